import { type JobStatus, jobStatuses } from '@osb-backup/protocol'
import type { RunKind } from './stage-order.ts'

/** What a job does. The manager itself verifies restore points and conducts drills; backups and restores run at an agent. */
export type JobKind = RunKind | 'verify' | 'drill'

/**
 * The state of a job, given those of its parts: the worst of them.
 *
 * @throws {RangeError} If there is no part: such a job backs nothing up and must not look like success.
 */
export function jobStatusOf(parts: readonly JobStatus[]): JobStatus {
  const worst = jobStatuses.find((status) => parts.includes(status))
  if (worst === undefined) throw new RangeError('a job has at least one part')
  return worst
}
