import { isOver } from '@osb-backup/protocol'
import type { Context } from '../context/context.ts'
import { openJobsOfPlans } from '../jobs/open-jobs-repository.ts'
import { findJob } from '../jobs/repository.ts'
import { startBackup } from '../jobs/start-backup.ts'
import { findPlan } from '../plans/repository.ts'
import { RequestError } from '../shared/request-error.ts'

/** How far the last backup of a plan is. */
export type LastBackup =
  | { state: 'waiting'; jobId: string | undefined }
  | { state: 'done' }
  | { state: 'failed'; reason: string }

/**
 * Takes the next step of a last backup: starts it, or looks whether it has ended. May be repeated, by any manager: it is started once for
 * an operation.
 *
 * @param of.jobId - The job, once it is known.
 */
export async function followLastBackup(
  context: Context,
  { operationId, planId, jobId }: { operationId: string; planId: string; jobId: string | undefined },
): Promise<LastBackup> {
  if (jobId !== undefined) return outcomeOf(context, jobId)
  const plan = await findPlan(context, planId)
  // It was deleted meanwhile; its newest backups stay.
  if (plan === undefined) return { state: 'done' }
  // One that is open began before the operation did; or it is the one, and a crash kept its id from being recorded.
  if ((await openJobsOfPlans(context, [planId])).size > 0) return { state: 'waiting', jobId: undefined }
  try {
    // The same key finds the job that was started before.
    const key = { callerId: 'last backup', key: operationId, requestDigest: planId }
    return { state: 'waiting', jobId: (await startBackup(context, undefined, plan, { key, wait: true })).id }
  } catch (error) {
    if (!(error instanceof RequestError)) throw error
    // The scheduler was faster: its job ends first.
    if (error.code === 'conflict') return { state: 'waiting', jobId: undefined }
    const reason = `the last backup cannot be started: ${error.message.replace(/\.$/, '')}`
    return { state: 'failed', reason }
  }
}

async function outcomeOf(context: Context, jobId: string): Promise<LastBackup> {
  const job = await findJob(context, jobId)
  if (job === undefined) return { state: 'failed', reason: `the record of the last backup (job ${jobId}) was deleted` }
  if (!isOver(job.status)) return { state: 'waiting', jobId }
  if (job.status === 'SUCCEEDED') return { state: 'done' }
  return { state: 'failed', reason: `the last backup (job ${jobId}) failed` }
}
