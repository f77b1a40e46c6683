import { nextRuns, type Schedule } from './cron.ts'

/** Runs of a plan that nobody started while there was time. */
export interface MissedRuns {
  firstDueAt: Date
  lastDueAt: Date
  /** How many; of more than 10,000 not all are counted. */
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

/** A run that starts so much later than it should is late, and shown as such. */
const LATE_AFTER_MS = 60_000
const MOST_COUNTED = 10_000
const LARGEST_CHUNK = 64

/**
 * Decides what to do about a plan that is due. Usually one run is; after an outage there may be many: the newest is caught
 * up, if it is within the grace period, and the older ones are missed.
 *
 * @throws {Error} If the schedule cannot be read (any more).
 */
export function decideDueRuns({ schedule, dueAt, now, delayMs, graceMs }: DuePlan): DueRuns {
  const latest = new Date(now.getTime() - delayMs)
  const oldestCaughtUp = new Date(latest.getTime() - graceMs)
  let missed: MissedRuns | undefined
  let newest: Date | undefined
  let nextDueAt: Date | undefined
  for (const at of runsFrom(schedule, dueAt, oldestCaughtUp)) {
    if (at > latest) {
      nextDueAt = at
      break
    }
    missed = newest === undefined ? undefined : withRun(missed, newest)
    newest = at
  }
  if (newest === undefined) return { missed, run: undefined, nextDueAt }
  if (newest < oldestCaughtUp) return { missed: withRun(missed, newest), run: undefined, nextDueAt }
  const late = latest.getTime() - newest.getTime() > LATE_AFTER_MS
  return { missed, run: { dueAt: newest, late }, nextDueAt }
}

/** A share of the longest delay that is always the same for a plan, in milliseconds. */
export function delayOf(planId: string, longestSeconds: number): number {
  // FNV-1a: ids that differ by one digit end up far apart.
  let hash = 0x811c9dc5
  for (const character of planId) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193)
  return longestSeconds === 0 ? 0 : (hash >>> 0) % (longestSeconds * 1000)
}

/** The runs from one on, in order. After so many that nobody counts any more, those before `skipTo` are left out. */
function* runsFrom(schedule: Schedule, first: Date, skipTo: Date): Generator<Date, void> {
  yield first
  let after = first
  for (let yielded = 1; ; ) {
    // Few at first: mostly one run is due, and finding each costs.
    const chunk = Math.min(yielded, LARGEST_CHUNK)
    const runs = nextRuns(schedule, chunk, yielded < MOST_COUNTED || after >= skipTo ? after : skipTo)
    yield* runs
    yielded += runs.length
    if (runs.length < chunk) return
    after = runs.at(-1) ?? after
  }
}

function withRun(missed: MissedRuns | undefined, at: Date): MissedRuns {
  return { firstDueAt: missed?.firstDueAt ?? at, lastDueAt: at, runs: (missed?.runs ?? 0) + 1 }
}
