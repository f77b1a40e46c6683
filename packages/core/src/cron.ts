import { Cron } from 'croner'
import { instantOf, wallTime } from './zoned-time.ts'

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

/** How far clocks are ever set back. */
const LONGEST_STEP_BACK_MS = 3 * 3_600_000

/**
 * The next runs of a schedule, earliest first; fewer than asked for where it ends. On the days that clocks change, a time that
 * does not exist runs at the moment the clock jumps, and one that comes twice runs the first time. What runs in every hour
 * goes by the hours that pass.
 *
 * @param after - Only runs later than this.
 * @throws {Error} If the expression or the zone cannot be read.
 */
export function nextRuns({ frequency, timezone }: Schedule, count: number, after: Date): Date[] {
  if (runsInEveryHour(frequency)) return cronOf(frequency, timezone).nextRuns(count, after)
  // croner knows of changing clocks for single hours and minutes only, so it computes on the clock's face.
  const cron = cronOf(frequency, 'UTC')
  const runs: Date[] = []
  let wall = new Date(wallTime(after, timezone).getTime() - LONGEST_STEP_BACK_MS)
  for (;;) {
    const walls = cron.nextRuns(count - runs.length + 1, wall)
    for (const shown of walls) {
      const run = instantOf(shown, timezone)
      // Several times in one gap come to the same moment.
      if (run > (runs.at(-1) ?? after) && runs.length < count) runs.push(run)
    }
    const last = walls.at(-1)
    if (last === undefined || runs.length === count) return runs
    wall = last
  }
}

function runsInEveryHour(frequency: string): boolean {
  const fields = frequency.trim().split(/\s+/)
  return frequency.trim().toLowerCase() === '@hourly' || /^([*?]|\*\/1|0-23)$/.test(fields.at(-4) ?? '')
}

/** The first run after a moment; undefined if there is none any more. */
export function nextRunAfter(schedule: Schedule, after: Date): Date | undefined {
  return nextRuns(schedule, 1, after)[0]
}
