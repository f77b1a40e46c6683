import { isOver } from '@osb-backup/protocol'
import type { Context } from '../context/context.ts'
import { isAtAgent, type JobLock } from '../jobs/job.ts'
import { findJob } from '../jobs/service.ts'
import { PartRun } from './run-part.ts'

/**
 * Runs a job to its end, part by part. May be called again for a job that another manager began, or that has ended.
 *
 * @param lock - As soon as another manager has the job locked, nothing is written any more.
 * @param signal - Stops running it here: the agent continues, and the manager that claims the job next finds it there.
 * @throws {JobLockLost} If another manager has the job locked.
 * @throws {Error} Whatever prevented it from being run, for example our database; the caller retries.
 */
export async function runJob(context: Context, lock: JobLock, signal: AbortSignal): Promise<void> {
  const job = await findJob(context, lock.id)
  if (job === undefined || !isAtAgent(job)) return
  const log = context.log.child({ jobId: job.id, kind: job.kind })
  for (const part of job.parts.filter((each) => !isOver(each.status))) {
    signal.throwIfAborted()
    await new PartRun({ ...context, log: log.child({ item: part.item }) }, { job, part, lock, signal }).run()
  }
}
