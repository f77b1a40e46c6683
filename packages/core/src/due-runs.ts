import { nextRuns, type Schedule } from './cron.ts'

/** Runs of a plan that were not started in time. */
export interface MissedRuns {
  firstDueAt: Date
  lastDueAt: Date
  /** How many; of more than 300 not all are counted. */
  runs: number
}

/** What becomes of the runs of a plan that are due. */
export interface DueRuns {
  missed: MissedRuns | undefined
  /** The run to start now. */
  run: { dueAt: Date; late: boolean } | undefined
  /** When the plan is due next; undefined: never again. */
  nextDueAt: Date | undefined
}

export interface DuePlan {
  schedule: Schedule
  /** The first run that nothing was decided of yet. */
  dueAt: Date
  now: Date
  /** How much later than due every run of the plan starts, to spread plans of the same minute. */
  delayMs: number
  /** How late a run may still be caught up. */
  graceMs: number
}

/** A run that starts later than this after it was due is shown as late. */
const LATE_AFTER_MS = 60_000
/** At most this many missed runs are counted one by one, since many plans are decided in one transaction. */
const MOST_COUNTED = 300
const LARGEST_CHUNK = 64
const LONGEST_SPAN_MS = 10 * 366 * 86_400_000

/**
 * Decides what to do about a plan that is due. Usually one run is; after an outage there may be many: the newest is caught
 * up, if it is within the grace period, and the older ones are missed.
 *
 * @throws {Error} If the schedule cannot be read (any more).
 */
export function decideDueRuns({ schedule, dueAt, now, delayMs, graceMs }: DuePlan): DueRuns {
  const latest = new Date(now.getTime() - delayMs)
  if (dueAt > latest) return { missed: undefined, run: undefined, nextDueAt: dueAt }
  const [following] = nextRuns(schedule, 1, dueAt)
  const isAlone = following === undefined || following > latest
  // Mostly one run is due, and finding each costs.
  const counted = isAlone ? [dueAt] : [...runsFrom(schedule, dueAt, latest)]
  const nextDueAt = isAlone ? following : nextRuns(schedule, 1, latest)[0]
  const isAll = counted.length < MOST_COUNTED
  const newest = (isAll ? counted.at(-1) : lastRunUntil(schedule, latest)) ?? dueAt
  const before = counted.filter((run) => run < newest)
  const lateMs = latest.getTime() - newest.getTime()
  const isCaughtUp = lateMs <= graceMs
  const missedRuns = isCaughtUp ? before : [...before, newest]
  const lastMissed = isAll || !isCaughtUp ? missedRuns.at(-1) : lastRunUntil(schedule, new Date(newest.getTime() - 1))
  const missed =
    lastMissed === undefined ? undefined : { firstDueAt: dueAt, lastDueAt: lastMissed, runs: missedRuns.length }
  return {
    missed,
    run: isCaughtUp ? { dueAt: newest, late: lateMs > LATE_AFTER_MS } : undefined,
    nextDueAt,
  }
}

/** A share of the longest delay that is always the same for a plan, in milliseconds. */
export function delayOf(planId: string, longestSeconds: number): number {
  // FNV-1a: ids that differ by one digit end up far apart.
  let hash = 0x811c9dc5
  for (const character of planId) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193)
  return longestSeconds === 0 ? 0 : (hash >>> 0) % (longestSeconds * 1000)
}

/** The runs from one on until another moment, in order, up to the number that is counted. */
function* runsFrom(schedule: Schedule, first: Date, until: Date): Generator<Date, void> {
  yield first
  let after = first
  for (let yielded = 1; yielded < MOST_COUNTED; ) {
    // Few at first: mostly few are due.
    const chunk = Math.min(yielded, LARGEST_CHUNK, MOST_COUNTED - yielded)
    const runs = nextRuns(schedule, chunk, after)
    for (const run of runs) {
      if (run > until) return
      yield run
    }
    yielded += runs.length
    if (runs.length < chunk) return
    after = runs.at(-1) ?? after
  }
}

/** The last run up to a moment, found without passing all before it; undefined if there is none for years. */
function lastRunUntil(schedule: Schedule, moment: Date): Date | undefined {
  for (let spanMs = 1000; spanMs < LONGEST_SPAN_MS; spanMs *= 4) {
    let after = new Date(moment.getTime() - spanMs)
    let last: Date | undefined
    for (;;) {
      const run: Date | undefined = nextRuns(schedule, 1, after)[0]
      if (run === undefined || run > moment) break
      last = run
      after = run
    }
    if (last !== undefined) return last
  }
  return undefined
}
