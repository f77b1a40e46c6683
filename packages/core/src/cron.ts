import { Cron } from 'croner'

/** When a plan runs. */
export interface Schedule {
  /** Cron expression of five or six fields, seconds first, or a name like `@daily`. */
  frequency: string
  /** IANA name. */
  timezone: string
}

/** How a cron expression is read: Spring's way, six fields with seconds first, or five; both days must fit. */
const reading = { mode: '5-or-6-parts', domAndDow: true, sloppyRanges: true, paused: true } as const

/** An expression as croner computes with it, in a zone that is known. @throws {TypeError | RangeError} If it is none. */
export function cronOf(expression: string, timezone: string): Cron {
  // croner would take a date, and run once.
  if (expression.includes(':')) throw new TypeError('A date is no cron expression.')
  // A fresh object: croner writes into the one it is given.
  return new Cron(expression, { ...reading, timezone })
}

/**
 * The next runs of a schedule, earliest first; fewer than asked for where it ends. On the days that clocks change, a time that
 * does not exist runs at the moment the clock jumps, and one that comes twice runs the first time.
 *
 * @param after - Only runs later than this.
 * @throws {Error} If the expression or the zone cannot be read.
 */
export function nextRuns({ frequency, timezone }: Schedule, count: number, after: Date): Date[] {
  return cronOf(frequency, timezone).nextRuns(count, after)
}

/** The first run after a moment; undefined if there is none any more. */
export function nextRunAfter(schedule: Schedule, after: Date): Date | undefined {
  return nextRuns(schedule, 1, after)[0]
}
