import type { PlanRun as WireRun } from '@osb-backup/protocol'
import type { PlanRun } from '../../../plans/plan-run.ts'
import { instantToWire } from './instant.ts'

/** What became of a scheduled run, as clients read it. */
export function planRunToWire(run: PlanRun): WireRun {
  return {
    outcome: run.outcome,
    dueAt: instantToWire(run.dueAt),
    lastDueAt: instantToWire(run.lastDueAt),
    runs: run.runs,
    late: run.late,
    backupJobId: run.jobId,
    reason: run.reason,
    decidedAt: instantToWire(run.decidedAt),
  }
}
