import type { JobStatus } from '@osb-backup/protocol'
import type { JobState } from '@osb-backup/protocol/v1'

const states = {
  STARTED: 'queued',
  RUNNING: 'running',
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  UNKNOWN: 'unknown',
} as const satisfies Record<JobStatus, JobState>

/** The status that jobs in a state have, and whether they were cancelled. */
export const statusesOfStates = {
  queued: { status: 'STARTED' },
  running: { status: 'RUNNING' },
  succeeded: { status: 'SUCCEEDED' },
  failed: { status: 'FAILED', isCancelled: false },
  cancelled: { status: 'FAILED', isCancelled: true },
  unknown: { status: 'UNKNOWN' },
} as const satisfies Record<JobState, { status: JobStatus; isCancelled?: boolean }>

/** What failed of a job that was cancelled did so because of that. */
export function stateOf(status: JobStatus, isCancelled: boolean): JobState {
  return status === 'FAILED' && isCancelled ? 'cancelled' : states[status]
}
