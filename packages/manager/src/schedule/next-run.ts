import { delayOf, nextRunAfter } from '@osb-backup/core'
import type { Context } from '../context.ts'
import type { BackupPlan } from '../plans/plan.ts'

/** Columns of a plan's row that say when it is due and when it starts. */
export interface NextRun {
  next_due_at: Date | null
  next_run_at: Date | null
}

type Timing = Pick<Context, 'settings' | 'now'>

/** The next run of a plan that was just made, changed or unpaused: never at once, and none while it is paused. */
export function nextRunOf(
  plan: Pick<BackupPlan, 'id' | 'paused' | 'frequency' | 'timezone'>,
  { settings, now }: Timing,
): NextRun {
  return startOf(plan.id, plan.paused ? undefined : nextRunAfter(plan, now()), settings)
}

/** When a run that is due starts. */
export function startOf(planId: string, dueAt: Date | undefined, settings: Timing['settings']): NextRun {
  if (dueAt === undefined) return { next_due_at: null, next_run_at: null }
  const delayMs = delayOf(planId, settings.scheduleJitterSeconds)
  return { next_due_at: dueAt, next_run_at: new Date(dueAt.getTime() + delayMs) }
}
