import type { Context } from '../context/context.ts'
import { beginNextPart } from '../jobs/begin-part.ts'
import { isAtAgent, type JobLock } from '../jobs/job.ts'
import { findJob } from '../jobs/service.ts'
import { invariant } from '../shared/invariant.ts'
import { PartRun } from './run-part.ts'

/**
 * Runs a job, part by part, until nothing is left to do about it now: it has ended, or what is left of it waits for other jobs
 * or for an agent that does not answer. May be called again for a job that another manager began, or that has ended.
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
  for (;;) {
    signal.throwIfAborted()
    const begun = await beginNextPart(context, lock, [])
    if (begun === undefined) return
    const part = job.parts.find((each) => each.position === begun.position)
    invariant(part, `job ${job.id} has the part ${begun.position}`)
    const run = { job, part, begunAt: begun.begunAt, isResumed: begun.isResumed, lock, signal }
    await new PartRun({ ...context, log: log.child({ item: part.item }) }, run).run()
  }
}
