import { setTimeout as sleep } from 'node:timers/promises'
import { expiredPoints } from '@osb-backup/core'
import { isOver } from '@osb-backup/protocol'
import { authorizeInstance, type Call } from '../access/call.ts'
import { requirePermission } from '../access/limits.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { markInstanceDeprovisioned } from '../instances/repository.ts'
import { openJobsOfPlans } from '../jobs/open-jobs-repository.ts'
import { findJob } from '../jobs/repository.ts'
import { startBackup } from '../jobs/start-backup.ts'
import type { BackupPlan } from '../plans/plan.ts'
import { deletePlans, lockPlansOfInstance, plansOfInstance } from '../plans/repository.ts'
import { requestRemoval, requireNoneRestored } from '../removals/service.ts'
import { pointsOf } from '../restore-points/repository.ts'
import { isGood, isMissing, type RestorePoint } from '../restore-points/restore-point.ts'
import { RequestError } from '../shared/request-error.ts'
import { requireNoOpenJob } from './delete-plan.ts'

const POLL_MS = 200

/**
 * Deletes all plans of an instance that its broker deprovisions. According to the settings, a final backup of each plan that
 * is not paused is taken first, and the files are removed, except those that are held and, where a final backup is taken, the
 * newest of each item.
 *
 * @throws {RequestError} If the final backup fails or takes too long: then nothing is deleted.
 */
export async function deprovisionPlans(context: Context, call: Call, instanceId: string): Promise<void> {
  const { settings } = context
  await authorizeInstance(call, instanceId)
  // Brokers follow what the operator has set; they delete nothing on their own.
  if (settings.deprovisionFiles === 'delete' && call.caller.role !== 'broker') {
    requirePermission(call, 'delete-backups', 'Deleting the files of an instance')
  }
  if (settings.deprovisionBackupSeconds > 0) await takeFinalBackups(context, instanceId)
  await inAuditedTransaction(context, call, async (tx) => {
    // Locked, so that no job of them starts meanwhile.
    const planIds = await lockPlansOfInstance(tx, instanceId)
    if (settings.deprovisionFiles === 'delete') {
      await requireNoOpenJob(tx, planIds)
      const points = await pointsOf(tx, { instanceId })
      const removed = settings.deprovisionBackupSeconds > 0 ? allButNewest(points, await readClock(tx)) : points
      const pointIds = removed.map((point) => point.id)
      await requireNoneRestored(tx, pointIds)
      await requestRemoval(tx, pointIds, 'DEPROVISIONED')
    }
    await deletePlans(tx, planIds)
    // Policies leave it alone from now on: its broker is about to delete the database.
    await markInstanceDeprovisioned(tx, instanceId, await readClock(tx))
  })
}

/** What a final backup makes superfluous. It is kept itself, whichever of several calls took it. */
export function allButNewest(points: readonly RestorePoint[], now: Date): RestorePoint[] {
  const byPlan = Map.groupBy(points, (point) => point.planId)
  return [...byPlan.values()].flatMap((ofPlan) => {
    const judged = ofPlan.map((point) => ({ ...point, good: isGood(point), missing: isMissing(point) }))
    return expiredPoints(judged, { style: 'FILES', period: 1 }, now)
  })
}

/** Backs up every plan that is not paused, and waits until the jobs have ended. */
async function takeFinalBackups(context: Context, instanceId: string): Promise<void> {
  const endAtMs = performance.now() + context.settings.deprovisionBackupSeconds * 1000
  const plans = (await plansOfInstance(context, instanceId)).filter((plan) => !plan.paused)
  const jobIds: string[] = []
  for (const plan of plans) jobIds.push(await startAfterOpenJob(context, plan, endAtMs))
  for (const jobId of jobIds) {
    const status = await waitForEnd(context, jobId, endAtMs)
    if (status !== 'SUCCEEDED') throw refusal(`the final backup (job ${jobId}) failed`)
  }
}

/** A job that is open already began before the deprovisioning did, so it is no final backup. */
async function startAfterOpenJob(context: Context, plan: BackupPlan, endAtMs: number): Promise<string> {
  for (;;) {
    const open = (await openJobsOfPlans(context, [plan.id])).get(plan.id)
    if (open !== undefined) {
      await waitForEnd(context, open, endAtMs)
      continue
    }
    try {
      return (await startBackup(context, undefined, plan, { wait: true })).id
    } catch (error) {
      // The scheduler was faster: wait for its job, then start the final one.
      if (!(error instanceof RequestError) || error.code !== 'conflict') throw error
    }
  }
}

async function waitForEnd(context: Context, jobId: string, endAtMs: number): Promise<string> {
  for (;;) {
    const job = await findJob(context, jobId)
    if (job === undefined) return 'UNKNOWN'
    if (isOver(job.status)) return job.status
    if (performance.now() > endAtMs) {
      const limit = context.settings.deprovisionBackupSeconds
      throw refusal(`the final backup (job ${jobId}) took longer than ${limit} seconds`)
    }
    await sleep(POLL_MS)
  }
}

const refusal = (reason: string) => new RequestError('conflict', `Nothing was deleted, since ${reason}.`)
