import { delayOf, nextRunAfter } from '@osb-backup/core'
import type { Context } from '../context/context.ts'
import type { BackupPlan } from './plan.ts'

/** Columns of a plan's row that say when it is due and when it starts. */
export interface NextRun {
  next_due_at: Date | null
  next_run_at: Date | null
}

type Timing = Pick<Context, 'settings' | 'now'>

/** Clocks of managers may differ by so much; a run decided of that lies further ahead was decided by a wrong clock. */
const CLOCK_DIFFERENCE_MS = 600_000

/**
 * The next run of a plan that was just made, changed or unpaused: never at once, and none while it is paused.
 *
 * @param lastDueAt - The last run that something was decided of: another manager's clock may be ahead of this one.
 */
export function nextRunOf(
  plan: Pick<BackupPlan, 'id' | 'paused' | 'frequency' | 'timezone'>,
  lastDueAt: Date | null,
  { settings, now }: Timing,
): NextRun {
  return startOf(plan.id, plan.paused ? undefined : nextRunAfter(plan, undecidedFrom(lastDueAt, now())), settings)
}

/** The moment after which nothing was decided of a plan. */
export function undecidedFrom(lastDueAt: Date | null, now: Date): Date {
  const isAhead = lastDueAt !== null && lastDueAt > now && lastDueAt.getTime() - now.getTime() < CLOCK_DIFFERENCE_MS
  return isAhead ? lastDueAt : now
}

/** When a run that is due starts. */
export function startOf(planId: string, dueAt: Date | undefined, settings: Timing['settings']): NextRun {
  if (dueAt === undefined) return { next_due_at: null, next_run_at: null }
  const delayMs = delayOf(planId, settings.scheduleJitterSeconds)
  return { next_due_at: dueAt, next_run_at: new Date(dueAt.getTime() + delayMs) }
}
