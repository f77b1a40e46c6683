import { isDeepStrictEqual } from 'node:util'
import { decideDueRuns, isRetentionShorter } from '@osb-backup/core'
import type { TransactionContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { nextDrillOf } from './next-drill.ts'
import { nextRunOf } from './next-run.ts'
import { type BackupPlan, type PlanSchedule, retentionOf } from './plan.ts'
import * as planRuns from './plan-runs-repository.ts'
import * as repository from './repository.ts'
import { dropRetriesBeyond } from './retries-repository.ts'

const HOUR_MS = 3_600_000

/**
 * Replaces a plan that is locked. If its schedule changes, the next run is recomputed from now on, and a run that was due at
 * this moment is recorded as skipped; if its retention changes, the change counts only after a while.
 *
 * @returns Its new version.
 */
export async function replacePlan(
  tx: TransactionContext,
  plan: BackupPlan,
  { plan: stored, schedule }: { plan: BackupPlan; schedule: PlanSchedule },
): Promise<number> {
  const isRescheduled =
    stored.paused !== plan.paused || stored.frequency !== plan.frequency || stored.timezone !== plan.timezone
  const now = await readClock(tx)
  if (isRescheduled) await skipDueRun(tx, schedule, now)
  await dropRetriesBeyond(tx, plan.id, plan.paused ? 0 : plan.retries)
  const [before, after] = [retentionOf(stored), retentionOf(plan)]
  const isRetentionChanged = isRetentionShorter(after, before) || isRetentionShorter(before, after)
  const isDrillRescheduled =
    stored.paused !== plan.paused || !isDeepStrictEqual(stored.drill?.schedule, plan.drill?.schedule)
  return repository.updatePlan(tx, plan, {
    nextDrill: isDrillRescheduled ? { at: nextDrillOf(plan, now) } : undefined,
    next: isRescheduled ? nextRunOf({ ...plan, lastDueAt: schedule.lastDueAt }, tx.settings, now) : undefined,
    retentionCountsFrom: isRetentionChanged
      ? new Date(now.getTime() + tx.settings.retentionChangeGraceHours * HOUR_MS)
      : undefined,
  })
}

/** Records the runs that are due at the moment the schedule changes: they are counted, and none is caught up. */
async function skipDueRun(tx: TransactionContext, schedule: PlanSchedule, decidedAt: Date): Promise<void> {
  const { id: planId, nextDueAt: dueAt } = schedule
  if (dueAt === undefined || dueAt > decidedAt) return
  const { missed, run: newest } = decideDueRuns({
    schedule,
    dueAt,
    now: decidedAt,
    delayMs: 0,
    graceMs: Number.POSITIVE_INFINITY,
  })
  const [lastDueAt, runs] = [newest?.dueAt ?? dueAt, (missed?.runs ?? 0) + 1]
  const run = { planId, dueAt, lastDueAt, runs, late: false, jobId: undefined, decidedAt }
  const reason = 'The plan was paused or changed at the moment it was due.'
  await planRuns.insertPlanRuns(tx, [{ ...run, outcome: 'SKIPPED', reason }])
}
