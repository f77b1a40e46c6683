import { jobStatusOf } from '@osb-backup/core'
import { isOver } from '@osb-backup/protocol'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { type InTransaction, inTransaction } from '../database/transaction.ts'
import { requestRetention } from '../plans/retention-repository.ts'
import { recordVerification } from '../restore-points/marks-repository.ts'
import { recordPoint } from '../restore-points/record-point.ts'
import type { NewRestorePoint, VerificationState } from '../restore-points/restore-point.ts'
import type { JobLock } from './job.ts'
import * as parts from './parts-repository.ts'
import { retryLater } from './retry-runs.ts'
import { lockJob, setJobStatus } from './state-repository.ts'
import { LONGEST_CHECK_SECONDS } from './unknown-parts-repository.ts'

/** What is recorded of a part, and of the restore point that it left or verified. */
export type PartResult = parts.PartProgress & {
  point?: NewRestorePoint | undefined
  verification?: { pointId: string; state: VerificationState }
}

type ResultContext = Pick<Context, 'database' | 'settings' | 'log'>

/**
 * Records the progress or the end of a part, its restore point if it left one, and the job's state, which follows from all
 * its parts, in one transaction. A part that has ended is immutable.
 *
 * @param progress - With `point`, what a backup stored: a success makes the retention of its plan due. With `verification`,
 *   what a restore point was found to be.
 * @throws {JobLockLost} If another manager has the job locked; then nothing is written.
 */
export async function recordPart(
  context: ResultContext,
  lock: JobLock,
  position: number,
  progress: PartResult,
): Promise<void> {
  const { point, verification, ...recorded } = progress
  await inTransaction(context, async (tx) => {
    await lockJob(tx, lock)
    const now = await readClock(tx)
    const fields = { ...recorded, prefix: point?.prefix, filename: point?.filename }
    if (!(await parts.updatePart(tx, lock.id, position, fields, isOver(progress.status) ? now : undefined))) return
    if (point !== undefined) await recordPoint(tx, point, now)
    if (verification !== undefined) await recordVerification(tx, verification.pointId, verification.state, now)
    if (point !== undefined && progress.status === 'SUCCEEDED') await requestRetention(tx, point.planId, now)
    await updateJob(tx, lock.id, now)
  })
}

/** Records that all parts of a job which its manager runs itself have begun. The caller has locked the job's row. */
export async function beginParts(
  tx: InTransaction<Pick<Context, 'database' | 'settings'>>,
  jobId: string,
): Promise<void> {
  const now = await readClock(tx)
  await parts.startParts(tx, jobId)
  await updateJob(tx, jobId, now)
}

/**
 * Gives up running a job for now: the parts that have not begun fail. How those that have begun end is unknown, since their agent
 * may be working on them.
 *
 * @throws {JobLockLost} If another manager has the job locked; then nothing is written.
 */
export async function failJob(context: ResultContext, lock: JobLock, error: string): Promise<void> {
  await inTransaction(context, async (tx) => {
    await lockJob(tx, lock)
    const now = await readClock(tx)
    await parts.failWaitingParts(tx, lock.id, { error, failureCode: 'other', now })
    await parts.setPartsUnknown(tx, lock.id, error, LONGEST_CHECK_SECONDS)
    await updateJob(tx, lock.id, now)
  })
}

/**
 * Sets the state of a job to what follows from its parts, and schedules another attempt where that follows. The caller has locked
 * the job's row.
 */
export async function updateJob(
  tx: InTransaction<Pick<Context, 'database' | 'settings'>>,
  jobId: string,
  now: Date,
): Promise<void> {
  const outcomes = await parts.partOutcomes(tx, jobId)
  const status = jobStatusOf(outcomes.map((part) => part.status))
  await setJobStatus(tx, jobId, status, isOver(status) ? now : undefined)
  if (status !== 'FAILED') return
  const failures = outcomes.flatMap((part) => (part.status === 'FAILED' ? [part.failureCode ?? 'other'] : []))
  await retryLater(tx, jobId, { failures, endedAt: now })
}
