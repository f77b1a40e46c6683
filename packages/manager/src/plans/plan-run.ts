import type { PlanRunOutcome } from '@osb-backup/protocol'

/** What became of a scheduled run of a plan, or of several in a row that were missed. */
export interface PlanRun {
  planId: string
  outcome: PlanRunOutcome
  /** Of several that were missed, the first. */
  dueAt: Date
  /** Of several that were missed, the last. */
  lastDueAt: Date
  runs: number
  late: boolean
  /** Started: the job. Skipped: the job that was still open. */
  jobId: string | undefined
  /** Why no job was started. */
  reason: string | undefined
  decidedAt: Date
}
