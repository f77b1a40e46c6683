import { delayOf, nextRunAfter } from '@osb-backup/core'
import type { ManagerSettings } from '../settings/settings.ts'
import type { PlanSchedule } from './plan.ts'

/** When a plan is due next, and when that run starts: later than due where runs are spread. */
export interface NextRun {
  dueAt: Date | undefined
  runAt: Date | undefined
}

/** Largest clock difference between managers; a run that was decided further ahead was decided by a wrong clock. */
const CLOCK_DIFFERENCE_MS = 600_000

/**
 * The next run of a plan that was created, changed or resumed: never at once, and none while it is paused.
 *
 * @param plan - `lastDueAt` counts too, as the clock of another manager may be ahead of this one.
 */
export function nextRunOf(plan: Omit<PlanSchedule, 'nextDueAt'>, settings: ManagerSettings, now: Date): NextRun {
  return startOf(plan.id, plan.paused ? undefined : nextRunAfter(plan, undecidedFrom(plan.lastDueAt, now)), settings)
}

/** The moment after which no run of a plan has been decided. */
export function undecidedFrom(lastDueAt: Date | undefined, now: Date): Date {
  const isAhead =
    lastDueAt !== undefined && lastDueAt > now && lastDueAt.getTime() - now.getTime() < CLOCK_DIFFERENCE_MS
  return isAhead ? lastDueAt : now
}

/** When a run that is due starts. */
export function startOf(planId: string, dueAt: Date | undefined, settings: ManagerSettings): NextRun {
  if (dueAt === undefined) return { dueAt: undefined, runAt: undefined }
  const delayMs = delayOf(planId, settings.scheduleJitterSeconds)
  return { dueAt, runAt: new Date(dueAt.getTime() + delayMs) }
}
