import { nextTimeOnFace } from './cron-calendar.ts'
import { type CronExpression, parseCron } from './cron-expression.ts'
import { instantOf, nextOffsetChange, wallTime } from './zoned-time.ts'

/** When a plan runs. */
export interface Schedule {
  /** Cron expression of five or six fields, seconds first, or a name like `@daily`. */
  frequency: string
  /** IANA name. */
  timezone: string
}

const DAY_MS = 86_400_000
/** How far clocks are ever set back. */
const LONGEST_STEP_BACK_MS = 3 * 3_600_000
const HOURS_OF_A_DAY = 24

/**
 * The next runs of a schedule, earliest first; fewer than `count` where it ends. On the days that clocks change, a time that
 * does not exist runs at the moment the clock jumps, and one that comes twice runs the first time. A schedule of all 24 hours
 * runs whenever the clock shows one of its times.
 *
 * @param after - Only runs later than this.
 * @throws {CronSyntaxError} If the expression cannot be read.
 * @throws {RangeError} If there is no such time zone.
 */
export function nextRuns({ frequency, timezone }: Schedule, count: number, after: Date): Date[] {
  const cron = parseCron(frequency)
  const runs: Date[] = []
  const times = cron.hours.length === HOURS_OF_A_DAY ? shownTimes : namedTimes
  for (const run of times(cron, timezone, after)) {
    if (runs.push(run) >= count) break
  }
  return runs
}

/** The first run after a moment; undefined if there is none any more. */
export function nextRunAfter(schedule: Schedule, after: Date): Date | undefined {
  return nextRuns(schedule, 1, after)[0]
}

/** Each time of an expression, once. */
function* namedTimes(cron: CronExpression, timezone: string, after: Date): Generator<Date, void> {
  let last = after
  let wall: Date | undefined = new Date(wallTime(after, timezone).getTime() - LONGEST_STEP_BACK_MS)
  for (;;) {
    wall = nextTimeOnFace(cron, wall)
    if (wall === undefined) return
    const run = instantOf(wall, timezone)
    // Several times in one gap come to the same moment.
    if (run <= last) continue
    yield run
    last = run
  }
}

/** Every moment at which the clock shows a time of an expression, also the second time. */
function* shownTimes(cron: CronExpression, timezone: string, after: Date): Generator<Date, void> {
  // The clock shows `offsetMs` from `sinceMs` on; what is before `fromMs` or at it has been seen.
  let fromMs = after.getTime()
  let sinceMs = fromMs
  let offsetMs = wallTime(after, timezone).getTime() - fromMs
  for (;;) {
    const wall = nextTimeOnFace(cron, new Date(fromMs + offsetMs))
    if (wall === undefined) return
    const atMs = wall.getTime() - offsetMs
    const change = nextOffsetChange(sinceMs, Math.min(atMs, sinceMs + DAY_MS), timezone)
    if (change !== undefined) {
      sinceMs = change.atMs
      fromMs = sinceMs - 1
      offsetMs = change.offsetMs
    } else if (atMs > sinceMs + DAY_MS) {
      // Whatever the clocks do until a day before it, they show no time of the expression.
      sinceMs = Math.max(sinceMs + DAY_MS, atMs - DAY_MS)
      fromMs = sinceMs
      offsetMs = wallTime(new Date(sinceMs), timezone).getTime() - sinceMs
    } else {
      yield new Date(atMs)
      fromMs = atMs
      sinceMs = atMs
    }
  }
}
