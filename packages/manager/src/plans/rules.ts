import { Cron } from 'croner'
import type { Context } from '../context.ts'
import { RequestError } from '../request-error.ts'
import type { BackupPlan } from './plan.ts'

/** How many runs ahead are looked at for the shortest time between two of them. */
const RUNS_LOOKED_AT = 200

/** Spring's reading of cron: six fields with seconds first, or five; day of month and day of week must both fit. */
function cronOf(frequency: string, timezone: string): Cron {
  return new Cron(frequency, { timezone, mode: '5-or-6-parts', domAndDow: true, sloppyRanges: true, paused: true })
}

/**
 * Refuses a plan that could not run, or that runs more often than the operator allows.
 *
 * @throws {RequestError} Naming the field.
 */
export function checkPlan(plan: BackupPlan, { settings, now }: Pick<Context, 'settings' | 'now'>): void {
  const duplicate = plan.items.find((item, index) => plan.items.indexOf(item) !== index)
  if (duplicate !== undefined) {
    throw new RequestError('invalid', `items names ${JSON.stringify(duplicate)} twice.`, { field: 'items' })
  }
  checkTimezone(plan.timezone)
  const runs = nextRuns(plan, now())
  if (runs.length === 0) {
    throw new RequestError('invalid', `frequency ${JSON.stringify(plan.frequency)} never comes due.`, {
      field: 'frequency',
    })
  }
  const gapsMs = runs.slice(1).map((run, index) => run.getTime() - (runs[index]?.getTime() ?? 0))
  const shortestSeconds = Math.min(...gapsMs) / 1000
  if (shortestSeconds < settings.minimumIntervalSeconds) {
    throw new RequestError(
      'invalid',
      `frequency ${JSON.stringify(plan.frequency)} runs every ${shortestSeconds} seconds; at least ${settings.minimumIntervalSeconds} must lie between two runs.`,
      { field: 'frequency' },
    )
  }
}

function checkTimezone(timezone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch (cause) {
    throw new RequestError(
      'invalid',
      `timezone ${JSON.stringify(timezone)} is not known; use a name like Europe/Berlin.`,
      {
        field: 'timezone',
        cause,
      },
    )
  }
}

function nextRuns(plan: BackupPlan, after: Date): Date[] {
  try {
    return cronOf(plan.frequency, plan.timezone).nextRuns(RUNS_LOOKED_AT, after)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.replace(/^CronPattern: /, '') : 'it cannot be read'
    throw new RequestError(
      'invalid',
      `frequency ${JSON.stringify(plan.frequency)} is not a cron expression: ${reason}`,
      {
        field: 'frequency',
        cause,
      },
    )
  }
}
