import type { DescriptorReserve } from './descriptor-reserve.ts'
import type { JobRecord } from './job-record.ts'
import { withoutSecrets } from './job-request.ts'
import { pendingSteps } from './pending-steps.ts'

/** A job with what exists only in this process: its run, and the means to cancel it. */
export interface RegisteredJob {
  /** When finished, without logs and secrets: `fullRecord` reads those from the journal. */
  record: JobRecord
  readonly cancel: AbortController
  /** Whether the record is without logs and secrets. */
  isTrimmed: boolean
  /** Settles when the job has finished and none of its processes runs any more, except those of `retries`. */
  run: Promise<void>
  /** Kept from before the lock until the first always-run step. */
  descriptors?: DescriptorReserve
  /** Ends an unlock script that hangs, once an operator has unlocked the database. */
  readonly operatorUnlocked: AbortController
  /** Settles when no step of the job is retried any more, or the agent stops. */
  retries: Promise<void>
  /** When its pending steps are retried next; absent while one runs. */
  nextRetryAt?: Date
  /** Ends the pause before the next retry. */
  retryNow?: AbortController
}

/** A job that nothing runs yet. */
export function newRegisteredJob(record: JobRecord): RegisteredJob {
  return {
    record,
    cancel: new AbortController(),
    operatorUnlocked: new AbortController(),
    isTrimmed: false,
    run: Promise.resolve(),
    retries: Promise.resolve(),
  }
}

/** Drops what is read from the journal again: many jobs are kept for a long time, and each may have large logs. */
export function trim(job: RegisteredJob): void {
  const { record } = job
  job.isTrimmed = true
  job.record = {
    ...record,
    request: withoutSecrets(record.request, record.incompleteUpload !== undefined),
    steps: record.steps.map((step) => ({ ...step, stdout: '', stderr: '' })),
  }
}

/** Whether a job was deleted and nothing remains to be done for it. */
export const isRemovable = (record: JobRecord): boolean =>
  record.isDeleted === true && record.incompleteUpload === undefined && pendingSteps(record).length === 0
