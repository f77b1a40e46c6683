import type { Step } from '@osb-backup/core'
import { isAlwaysRun, type JobRecord, type StepRecord } from './job-record.ts'

const isUnlock = (step: Step): boolean => step.endsWith('-unlock')

/** The last record of a step, which may have run several times. */
function lastOf({ steps }: JobRecord, step: Step): StepRecord | undefined {
  return steps.findLast((each) => each.step === step)
}

/**
 * The always-run steps that failed and have to run again until they succeed, in their order. A failed unlock counts
 * while the database is locked: not if its lock script never started, nor once an operator unlocked it.
 */
export function pendingSteps(job: JobRecord): Step[] {
  const failed = job.steps.filter(({ step, ok }) => isAlwaysRun(step) && ok === false).map(({ step }) => step)
  const unlock: Step = `post-${job.request.kind}-unlock`
  // A job that ended without having tried it ended by a bug of the agent.
  const isOwed = job.status !== 'RUNNING' && job.lockedSince !== undefined
  return [...new Set([...failed, ...(isOwed ? [unlock] : [])])].filter(
    (step) => lastOf(job, step)?.ok !== true && (!isUnlock(step) || job.lockedSince !== undefined),
  )
}

/** Whether the unlock of a job failed and the database is still locked. */
export const hasPendingUnlock = (job: JobRecord): boolean => pendingSteps(job).some(isUnlock)

/** Whether an attempt to unlock the database runs. */
export function isUnlocking({ steps }: JobRecord): boolean {
  const last = steps.at(-1)
  return last !== undefined && isUnlock(last.step) && last.ok === undefined
}

/** How often the unlock of a job was tried. */
export function unlockAttempts(job: JobRecord): number {
  const last = job.steps.findLast(({ step }) => isUnlock(step))
  return last === undefined ? 0 : attemptsOf(last)
}

/** The number of an attempt. */
const attemptsOf = ({ attempt = 1 }: StepRecord): number => attempt

/**
 * Begins another attempt of a step. The record of the first failure stays; that of a later attempt is replaced, since
 * there may be thousands.
 */
export function beginRetry(job: JobRecord, step: Step): StepRecord {
  const last = lastOf(job, step)
  const attempt = (last === undefined ? 0 : attemptsOf(last)) + 1
  if (last !== undefined && attemptsOf(last) > 1) job.steps = job.steps.filter((each) => each !== last)
  const record: StepRecord = { step, attempt, stdout: '', stderr: '' }
  job.steps.push(record)
  return record
}

/** Why an operator's mark that a database is unlocked is not accepted; undefined if it is. */
export function markUnlockedProblem(job: JobRecord): string | undefined {
  if (job.lockedSince === undefined) return 'the database is not locked by this job'
  if (job.status !== 'RUNNING' || unlockAttempts(job) > 0) return undefined
  return 'the job has not tried to unlock the database yet: cancel it first'
}
