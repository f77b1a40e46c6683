import { setTimeout as delay } from 'node:timers/promises'
import { expiredPoints } from '@osb-backup/core'
import { isOver } from '@osb-backup/protocol'
import type { Context } from '../context/context.ts'
import { findJob, openJobsOfPlans } from '../jobs/repository.ts'
import { startBackup } from '../jobs/service.ts'
import type { BackupPlan } from '../plans/plan.ts'
import { plansOfInstance } from '../plans/repository.ts'
import { requestRemoval } from '../removals/service.ts'
import { pointFromRow } from '../restore-points/repository.ts'
import { isGood, type RestorePoint } from '../restore-points/restore-point.ts'
import { RequestError } from '../shared/request-error.ts'
import { needNoneRestored, needNoOpenJob } from './plans.ts'

const LOOK_EVERY_MS = 200

/**
 * Deletes all plans of an instance that its broker deprovisions. By the operator's settings a last backup of each plan that
 * is not paused is taken first, and the files go, but for those that are held, and where a last backup is taken the newest
 * of each item.
 *
 * @throws {RequestError} If the last backup fails or takes too long: then nothing is deleted.
 */
export async function deprovisionPlans(context: Context, instanceId: string): Promise<void> {
  const { database, settings, now } = context
  if (settings.deprovisionBackupSeconds > 0) await takeLastBackups(context, instanceId)
  await database.transaction().execute(async (transaction) => {
    // Held, so that no job of them starts meanwhile.
    const plans = await transaction
      .selectFrom('backup_plans')
      .select('id')
      .where('instance_id', '=', instanceId)
      .orderBy('id')
      .forUpdate()
      .execute()
    if (settings.deprovisionFiles === 'delete') {
      await needNoOpenJob(
        transaction,
        plans.map((plan) => plan.id),
      )
      const rows = await transaction
        .selectFrom('restore_points')
        .selectAll()
        .where('instance_id', '=', instanceId)
        .where('deleted_at', 'is', null)
        .execute()
      const points = rows.map(pointFromRow)
      const going = settings.deprovisionBackupSeconds > 0 ? allButNewest(points, now()) : points
      const ids = going.map((point) => point.id)
      await needNoneRestored(transaction, ids)
      await requestRemoval(transaction, ids, 'DEPROVISIONED', now())
    }
    await transaction.deleteFrom('backup_plans').where('instance_id', '=', instanceId).execute()
  })
}

/** What a last backup was taken for is to be kept, whichever of several calls took it. */
function allButNewest(points: readonly RestorePoint[], now: Date): RestorePoint[] {
  const byPlan = Map.groupBy(points, (point) => point.planId)
  return [...byPlan.values()].flatMap((ofPlan) => {
    const judged = ofPlan.map((point) => ({ ...point, good: isGood(point) }))
    return expiredPoints(judged, { style: 'FILES', period: 1 }, now)
  })
}

/** Backs up every plan that is not paused, and waits for the ends. */
async function takeLastBackups(context: Context, instanceId: string): Promise<void> {
  const endAt = context.now().getTime() + context.settings.deprovisionBackupSeconds * 1000
  const plans = (await plansOfInstance(context, instanceId)).filter((plan) => !plan.paused)
  const jobIds: string[] = []
  for (const plan of plans) jobIds.push(await startAfterOpenJob(context, plan, endAt))
  for (const jobId of jobIds) {
    const status = await endOf(context, jobId, endAt)
    if (status !== 'SUCCEEDED') throw refusal(`the last backup (job ${jobId}) failed`)
  }
}

/** A job that runs already began before the deprovisioning did, so it is no last backup. */
async function startAfterOpenJob(context: Context, plan: BackupPlan, endAt: number): Promise<string> {
  for (;;) {
    const open = (await openJobsOfPlans(context.database, [plan.id])).get(plan.id)
    if (open !== undefined) {
      await endOf(context, open, endAt)
      continue
    }
    try {
      return (await startBackup(context, plan)).id
    } catch (error) {
      // Its schedule was faster: that job is waited for, and then the last one is started.
      if (!(error instanceof RequestError) || error.code !== 'conflict') throw error
    }
  }
}

async function endOf(context: Context, jobId: string, endAt: number): Promise<string> {
  for (;;) {
    const job = await findJob(context, jobId)
    if (job === undefined) return 'UNKNOWN'
    if (isOver(job.status)) return job.status
    if (context.now().getTime() > endAt) {
      throw refusal(
        `the last backup (job ${jobId}) took longer than ${context.settings.deprovisionBackupSeconds} seconds`,
      )
    }
    await delay(LOOK_EVERY_MS)
  }
}

const refusal = (reason: string) => new RequestError('conflict', `Nothing was deleted, since ${reason}.`)
