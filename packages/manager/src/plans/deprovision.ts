import { setTimeout as delay } from 'node:timers/promises'
import { isOver } from '@osb-backup/protocol'
import type { Context } from '../context.ts'
import { startBackup } from '../jobs/start.ts'
import { findJob, openJobsOfPlans } from '../jobs/store.ts'
import { RequestError } from '../request-error.ts'
import { requestRemoval } from '../restore-points/removals.ts'
import type { BackupPlan } from './plan.ts'
import { plansOfInstance } from './store.ts'

const LOOK_EVERY_MS = 200

/**
 * Deletes all plans of an instance that its broker deprovisions. By the operator's settings a last backup of each plan that
 * is not paused is taken first, and the files go, but for those of the last backup and those that are held.
 *
 * @throws {RequestError} If the last backup fails or takes too long: then nothing is deleted.
 */
export async function deprovisionPlans(context: Context, instanceId: string): Promise<void> {
  const { database, settings, now } = context
  const lastJobs = settings.deprovisionBackupSeconds > 0 ? await takeLastBackups(context, instanceId) : []
  await database.transaction().execute(async (transaction) => {
    if (settings.deprovisionFiles === 'delete') {
      const points = await transaction
        .selectFrom('restore_points')
        .select(['id', 'job_id'])
        .where('instance_id', '=', instanceId)
        .execute()
      const ids = points.filter((point) => !lastJobs.includes(point.job_id)).map((point) => point.id)
      await requestRemoval(transaction, ids, 'DEPROVISIONED', now())
    }
    await transaction.deleteFrom('backup_plans').where('instance_id', '=', instanceId).execute()
  })
}

/** Backs up every plan that is not paused, and waits for the ends. Answers the ids of the jobs. */
async function takeLastBackups(context: Context, instanceId: string): Promise<string[]> {
  const endAt = context.now().getTime() + context.settings.deprovisionBackupSeconds * 1000
  const plans = (await plansOfInstance(context, instanceId)).filter((plan) => !plan.paused)
  const jobIds: string[] = []
  for (const plan of plans) jobIds.push(await startAfterOpenJob(context, plan, endAt))
  for (const jobId of jobIds) {
    const status = await endOf(context, jobId, endAt)
    if (status !== 'SUCCEEDED') throw refusal(`the last backup (job ${jobId}) failed`)
  }
  return jobIds
}

/** A job that runs already began before the deprovisioning did, so it is no last backup. */
async function startAfterOpenJob(context: Context, plan: BackupPlan, endAt: number): Promise<string> {
  for (;;) {
    const open = (await openJobsOfPlans(context.database, [plan.id])).get(plan.id)
    if (open === undefined) return (await startBackup(context, plan)).id
    await endOf(context, open, endAt)
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
