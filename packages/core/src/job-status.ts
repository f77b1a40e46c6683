import type { JobStatus } from '@osb-backup/protocol'

/** Worst first: a job is in the worst of its parts' states. */
const worstFirst = ['UNKNOWN', 'RUNNING', 'STARTED', 'FAILED', 'SUCCEEDED'] as const satisfies readonly JobStatus[]

/**
 * The state of a job, given those of its parts.
 *
 * @throws {RangeError} If there is no part: such a job backs nothing up and must not look like success.
 */
export function jobStatusOf(parts: readonly JobStatus[]): JobStatus {
  const worst = worstFirst.find((status) => parts.includes(status))
  if (worst === undefined) throw new RangeError('a job has at least one part')
  return worst
}

/** Whether a state is final: nothing runs any more, and nothing will. */
export function isOver(status: JobStatus): boolean {
  return status === 'FAILED' || status === 'SUCCEEDED'
}
