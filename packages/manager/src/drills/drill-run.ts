import type { Context, TransactionContext } from '../context/context.ts'
import { inTransaction } from '../database/transaction.ts'
import { updateDrill } from '../jobs/drills-repository.ts'
import type { DrillJob, JobLock } from '../jobs/job.ts'
import { lockJob } from '../jobs/state-repository.ts'
import type { TargetCall } from './target-kinds.ts'

/** A drill as it is at the moment, run by the manager that has its job locked. */
export interface DrillRun {
  context: Context
  job: DrillJob
  lock: JobLock
  /** Who cancelled it; undefined: nobody did. */
  cancelledBy: string | undefined
  /** For its target. */
  call: TargetCall
}

/** How soon a drill looks again at what it waits for. */
export const LOOK_AGAIN_MS = 500

/**
 * Records something of a drill.
 *
 * @throws {JobLockLost} If another manager has its job locked; then nothing is written.
 */
export function inDrill<R>(
  { context, lock }: Pick<DrillRun, 'context' | 'lock'>,
  record: (tx: TransactionContext) => Promise<R>,
): Promise<R> {
  return inTransaction(context, async (tx) => {
    await lockJob(tx, lock)
    return record(tx)
  })
}

/** Ends a drill early: what is left is to clean up. */
export function toCleanUp(tx: TransactionContext, jobId: string, failure: string): Promise<void> {
  return updateDrill(tx, jobId, { step: 'clean-up', failure })
}

/** Why a drill that somebody cancelled failed. */
export const cancelledText = (by: string): string => `Cancelled by ${by}.`
