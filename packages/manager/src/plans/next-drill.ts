import { nextRunAfter } from '@osb-backup/core'
import type { BackupPlan } from './plan.ts'

/** When the next drill of a plan is due; undefined: it is paused, has no drills, or only on request. */
export function nextDrillOf({ drill, paused }: Pick<BackupPlan, 'drill' | 'paused'>, now: Date): Date | undefined {
  const schedule = drill?.schedule
  if (schedule === undefined || paused) return undefined
  try {
    return nextRunAfter({ frequency: schedule.cron, timezone: schedule.timezone ?? 'UTC' }, now)
  } catch {
    // A time zone that a new release does not know: the plan is corrected like one whose own schedule is no longer valid.
    return undefined
  }
}
