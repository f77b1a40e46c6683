import { setTimeout as sleep } from 'node:timers/promises'
import { isOver } from '@osb-backup/protocol'
import type { Context } from '../context/context.ts'
import { inTransaction } from '../database/transaction.ts'
import { findTargetState, updateDrill } from '../jobs/drills-repository.ts'
import type { DrillJob, JobLock } from '../jobs/job.ts'
import { findJobWithoutLogs } from '../jobs/service.ts'
import { findCancellation, lockJob } from '../jobs/state-repository.ts'
import { cleanUp } from './clean-up.ts'
import { type DrillRun, inDrill, toCleanUp } from './drill-run.ts'
import { prepare } from './prepare.ts'
import { restoreParts } from './restore-parts.ts'

/** What each step does: returns after how long it is called again, for the step that the drill is in by then. */
const steps = { prepare, restore: restoreParts, 'clean-up': cleanUp } as const

/**
 * Runs a drill to its end: prepares its target, restores and checks one item after the other, and cleans up, whatever happened before. What
 * has been done is recorded before and after it is done, so that it may be called again for a drill that another manager began, and was
 * killed in at any moment.
 *
 * @param lock - As soon as another manager has the job locked, nothing is done any more.
 * @param signal - Stops running it here; the manager that claims the job next continues.
 * @throws {JobLockLost} If another manager has the job locked.
 * @throws {Error} Whatever prevented it from being run, for example our database; the caller retries.
 */
export async function runDrill(context: Context, lock: JobLock, signal: AbortSignal): Promise<void> {
  const log = context.log.child({ jobId: lock.id, kind: 'drill' })
  for (;;) {
    signal.throwIfAborted()
    const job = await findJobWithoutLogs(context, lock.id)
    if (job?.kind !== 'drill' || isOver(job.status) || job.drill.step === 'done') return
    const run = newRun({ ...context, log }, { job, lock, signal }, await findCancellation(context, lock))
    const waitMs = await steps[job.drill.step](run)
    if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => undefined)
  }
}

function newRun(
  context: Context,
  { job, lock, signal }: { job: DrillJob; lock: JobLock; signal: AbortSignal },
  cancelledBy: string | undefined,
): DrillRun {
  const { id: jobId, instanceId } = job
  const { target } = job.drill
  const memory: DrillRun['call']['memory'] = {
    read: () => findTargetState(context, jobId),
    write: (targetState) =>
      inTransaction(context, async (tx) => {
        await lockJob(tx, lock)
        await updateDrill(tx, jobId, { targetState })
      }),
  }
  return { context, job, lock, cancelledBy, call: { drill: { jobId, instanceId, target }, memory, signal } }
}

/** Gives up a drill that could not be run too often: it has failed, and cleans up, which is repeated for good. */
export async function giveUpDrill(context: Context, lock: JobLock, reason: string): Promise<void> {
  const job = await findJobWithoutLogs(context, lock.id)
  if (job?.kind !== 'drill' || isOver(job.status)) return
  await inDrill({ context, lock }, (tx) => toCleanUp(tx, job.id, reason))
}
