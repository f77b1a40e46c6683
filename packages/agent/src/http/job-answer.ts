import { dumpName, type RunKind } from '@osb-backup/core'
import { omitUndefined } from '@osb-backup/node'
import { type AgentJob, additionalStages, backupStages, restoreStages, stageLogField } from '@osb-backup/protocol'
import { type StoreSettings, stores } from '@osb-backup/storage/kinds'
import {
  currentStepOf,
  errorMessageOf,
  failedStepOf,
  failureCodeOf,
  type JobRecord,
  type StepRecord,
} from '../jobs/job-record.ts'
import { hasPendingUnlock, pendingSteps, unlockAttempts } from '../jobs/pending-steps.ts'
import { timestamp } from './timestamp.ts'

const stagesOf = { backup: backupStages, restore: restoreStages } as const

/** The published messages by status. */
const messages = {
  RUNNING: (kind: RunKind) => `${kind} is running`,
  SUCCEEDED: (kind: RunKind) => `${kind} successfully carried out`,
  FAILED: (kind: RunKind) => `${kind} failed`,
} as const

/**
 * Encodes a job for the wire.
 *
 * @param nextRetryAt - When its pending cleanup and unlock are retried next.
 */
export function jobAnswer(job: JobRecord, nextRetryAt?: Date): AgentJob {
  const { request, stored } = job
  const { kind } = request
  const state = job.status === 'RUNNING' ? stateOf(job) : 'finished'
  const failedStage = failedStepOf(job)
  const errorMessage = errorMessageOf(job)
  const failureCode = job.status === 'FAILED' ? failureCodeOf(job) : undefined
  return {
    status: job.status,
    message: messages[job.status](kind),
    state,
    ...(errorMessage === undefined ? {} : { error_message: errorMessage }),
    ...(failedStage === undefined ? {} : { failed_stage: failedStage }),
    ...(failureCode === undefined ? {} : { failure_code: failureCode }),
    type: request.destinationType,
    compression: request.compress,
    skip_storage: request.skipStorage,
    skipSSL: false,
    ...destinationFields(kind, request.store),
    ...(kind === 'backup' ? { filenamePrefix: request.namePrefix, ...fileFields(job) } : {}),
    ...(stored === undefined
      ? {}
      : omitUndefined({ sha256: stored.sha256, root: stored.root, transforms: stored.transforms })),
    ...(stored?.originalSizeBytes === undefined
      ? {}
      : { original_filesize: { size: stored.originalSizeBytes, unit: 'byte' } }),
    original_sha256: stored?.originalSha256,
    progress: {
      bytes_read: job.progress.bytesRead,
      bytes_stored: job.progress.bytesStored,
      ...(job.expectedBytes === undefined ? {} : { expected_bytes: job.expectedBytes }),
    },
    warnings: job.warnings,
    stages: job.steps.map(stageFields),
    ...omitUndefined({ checks: job.checks }),
    ...(job.lockedSince === undefined ? {} : { locked_since: timestamp(job.lockedSince) }),
    ...retryFields(job, nextRetryAt),
    start_time: timestamp(job.startedAt),
    end_time: job.endedAt === undefined ? '' : timestamp(job.endedAt),
    execution_time_ms: job.endedAt === undefined ? 0 : job.endedAt.getTime() - job.startedAt.getTime(),
    ...logFields(job),
  }
}

/** The answer to a request that is not valid: a job object that failed before it started. */
export function failureAnswer(kind: RunKind, state: string, errorMessage: string): AgentJob {
  const published = stagesOf[kind].filter((stage) => !additionalStages.has(stage))
  const logs = published.flatMap((stage) => [
    [stageLogField(stage, 'log'), ''],
    [stageLogField(stage, 'errorlog'), ''],
  ])
  return {
    status: 'FAILED',
    message: kind === 'backup' ? 'Backup failed.' : 'Restore failed.',
    state,
    error_message: errorMessage,
    type: '',
    compression: false,
    skip_storage: false,
    skipSSL: false,
    ...(kind === 'backup' ? { filenamePrefix: '', filename: '', filesize: { size: 0, unit: 'byte' } } : {}),
    start_time: '',
    end_time: '',
    execution_time_ms: 0,
    ...Object.fromEntries(logs),
  }
}

function retryFields(
  job: JobRecord,
  nextRetryAt: Date | undefined,
): Pick<AgentJob, 'unlock_attempts' | 'next_retry_at'> {
  if (pendingSteps(job).length === 0) return {}
  return {
    ...(hasPendingUnlock(job) ? { unlock_attempts: unlockAttempts(job) } : {}),
    ...(nextRetryAt === undefined ? {} : { next_retry_at: timestamp(nextRetryAt) }),
  }
}

const stageFields = ({ step, startedAt, endedAt, ok, isSkipped: skipped, attempt }: StepRecord) => ({
  stage: step,
  ...omitUndefined({ start_time: startedAt?.toISOString(), end_time: endedAt?.toISOString(), ok, skipped, attempt }),
})

/** The current stage; a transfer counts as part of the stage whose file it transfers. */
function stateOf(job: JobRecord): string {
  const step = currentStepOf(job)
  if (step === 'upload') return 'backup'
  return step === 'download' ? 'restore' : (step ?? '')
}

function fileFields({ stored, request, steps, startedAt }: JobRecord): Pick<AgentJob, 'filename' | 'filesize'> {
  // The name that a script which stores the dump itself was given.
  const isByScript = request.skipStorage && steps.some(({ step, ok }) => step === 'backup' && ok === true)
  const given = isByScript ? dumpName(request.database.host, request.database.name, startedAt) : ''
  return { filename: stored?.filename ?? given, filesize: { size: stored?.sizeBytes ?? 0, unit: 'byte' } }
}

/** The destination's fields; empty ones are omitted as published. Of a restore only a flag is published. */
function destinationFields(kind: RunKind, store: StoreSettings): Record<string, string | boolean> {
  const fields = Object.entries(stores.kindOf(store).agent.answerFields(store))
  const shown = fields.filter((field): field is [string, string | boolean] => {
    const [, value] = field
    return typeof value === 'boolean' || (kind === 'backup' && Boolean(value))
  })
  return Object.fromEntries(shown)
}

function logFields(job: JobRecord): Record<string, string> {
  return Object.fromEntries(
    stagesOf[job.request.kind].flatMap((stage) => {
      // A stage that was interrupted by a restart may have run again.
      const taken = job.steps.findLast(({ step }) => step === stage)
      // Not published, so only present where it says something.
      if (additionalStages.has(stage) && !taken?.stdout && !taken?.stderr) return []
      return [
        [stageLogField(stage, 'log'), taken?.stdout ?? ''],
        [stageLogField(stage, 'errorlog'), taken?.stderr ?? ''],
      ]
    }),
  )
}
