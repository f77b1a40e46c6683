import { setTimeout as sleep } from 'node:timers/promises'
import { withSpan } from '@osb-backup/node/tracing'
import type { Context } from '../context/context.ts'
import { beginNextPart } from '../jobs/begin-part.ts'
import { type BegunPart, isAtAgent, type JobAtAgent, type JobLock } from '../jobs/job.ts'
import { findJob } from '../jobs/service.ts'
import { invariant } from '../shared/invariant.ts'
import { expandPatterns, hasPatterns } from './expand-patterns.ts'
import { PartRun } from './run-part.ts'

/** How often a slot for another part is looked for while parts run; when one of them ends, that is done at once. */
const SLOT_POLL_MS = 2000

/**
 * Runs a job until nothing is left to do about it now: it has ended, or what is left of it waits for other jobs or for an agent
 * that does not answer. As many of its parts run at the same time as the job allows and there are slots for. May be called again for
 * a job that another manager began, or that has ended.
 *
 * @param lock - As soon as another manager has the job locked, nothing is written any more.
 * @param signal - Stops running it here: the agent continues, and the manager that claims the job next finds it there.
 * @throws {JobLockLost} If another manager has the job locked.
 * @throws {Error} Whatever prevented it from being run, for example our database; the caller retries.
 */
export async function runJob(context: Context, lock: JobLock, signal: AbortSignal): Promise<void> {
  const job = await findExpandedJob(context, lock, signal)
  if (job === undefined) return
  const log = context.log.child({ jobId: job.id, kind: job.kind })
  const most = job.kind === 'backup' ? job.parallelItems : 1
  const running = new Map<number, Promise<void>>()
  const failure = new AbortController()
  const stopped = AbortSignal.any([signal, failure.signal])
  const start = (begun: BegunPart) => {
    const { position } = begun
    const part = job.parts.find((each) => each.position === position)
    invariant(part, `job ${job.id} has the part ${position}`)
    const partContext = { ...context, log: log.child({ item: part.item }) }
    const partRun = new PartRun(partContext, { job, part, begun, lock, signal: stopped })
    const attributes = { 'osb_backup.job.id': job.id, 'osb_backup.item': part.item }
    const ended = withSpan(`run ${job.kind} part`, { attributes }, () => partRun.run())
    // If one part could not be run, the others stop as well: the manager that claims the job next follows all of them.
    const settled = ended.catch((error: unknown) => failure.abort(error)).finally(() => running.delete(position))
    running.set(position, settled)
  }
  try {
    for (;;) {
      stopped.throwIfAborted()
      const begun = running.size < most ? await beginNextPart(context, lock, [...running.keys()]) : undefined
      if (begun !== undefined) start(begun)
      else if (running.size > 0) await firstEnd([...running.values()])
      else return stopped.throwIfAborted()
    }
  } finally {
    failure.abort(new Error('the job is no longer run here'))
    await Promise.all(running.values())
  }
}

/** The job, with a part for each item that its patterns stand for. */
async function findExpandedJob(context: Context, lock: JobLock, signal: AbortSignal): Promise<JobAtAgent | undefined> {
  const job = await findJob(context, lock.id)
  if (job === undefined || !isAtAgent(job)) return undefined
  if (job.kind !== 'backup' || !hasPatterns(job)) return job
  await expandPatterns(context, lock, job, signal)
  const expanded = await findJob(context, lock.id)
  return expanded !== undefined && isAtAgent(expanded) ? expanded : undefined
}

/** Waits until one of the parts has ended, or it is time to look for a slot again. */
async function firstEnd(parts: readonly Promise<void>[]): Promise<void> {
  const poll = new AbortController()
  const sleeping = sleep(SLOT_POLL_MS, undefined, { signal: poll.signal }).catch(() => undefined)
  await Promise.race([...parts, sleeping])
  poll.abort()
}
