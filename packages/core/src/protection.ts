import { nextRuns, type Schedule } from './cron.ts'
import { durationInWords } from './duration-in-words.ts'

/** Whether an item could be restored, and from a moment as recent as is wanted. */
export type ProtectionState = 'protected' | 'at-risk' | 'unprotected' | 'unknown' | 'exempt'

export interface Protection {
  state: ProtectionState
  /** One sentence, for people. */
  reason: string
  /** How old the newest restore point may be; undefined where no plan that runs says so. */
  rpoSeconds: number | undefined
  /** When the newest good restore point was taken. */
  newestAt: Date | undefined
}

/** What protection depends on of a plan that covers an item. */
export interface CoveringPlan {
  schedule: Schedule
  paused: boolean
  /** The recovery point objective; undefined for twice the interval of the schedule. */
  rpoSeconds: number | undefined
  createdAt: Date
}

/** What protection depends on of a restore point. */
export interface ProtectingPoint {
  takenAt: Date
  /** Left by a part that succeeded, of an unsuspicious size, and not found damaged or missing since. */
  good: boolean
}

/** Worst first. A state that is not known is worse than a good one only, and one that is wanted so. */
const worstFirst: readonly ProtectionState[] = ['unprotected', 'at-risk', 'unknown', 'exempt', 'protected']

const DAY_MS = 86_400_000
/** Tolerated difference between clocks; a restore point dated later than that was dated by a wrong clock. */
const CLOCK_DIFFERENCE_MS = DAY_MS
/** Longer than a week, so that the weekend of a schedule for working days is among its intervals. */
const SPAN_MS = 8 * DAY_MS
const FEW_RUNS = 12
const MANY_RUNS = 300

/**
 * Decides whether an item is protected, from the plans that cover it and its restore points. Of several plans the strictest
 * objective counts, and restore points of any plan meet it.
 *
 * @param points - In any order. It is enough to pass the newest good one, and one more if there is any.
 */
export function protectionOf(
  { plans, points }: { plans: readonly CoveringPlan[]; points: readonly ProtectingPoint[] },
  now: Date,
): Protection {
  const latest = now.getTime() + CLOCK_DIFFERENCE_MS
  const good = points.filter((point) => point.good && point.takenAt.getTime() <= latest)
  const newestAt = good.map((point) => point.takenAt).sort((one, other) => other.getTime() - one.getTime())[0]
  const objectives = plans.map((plan) => objectiveOf(plan, now)).filter((objective) => objective !== undefined)
  const strictest = objectives.sort((one, other) => one.rpoSeconds - other.rpoSeconds)[0]
  const facts = { rpoSeconds: strictest?.rpoSeconds, newestAt }
  if (newestAt === undefined) return { ...facts, ...withoutGoodPoint(points.length > 0, strictest, now) }
  const ageSeconds = Math.max(0, now.getTime() - newestAt.getTime()) / 1000
  const age = `The newest good restore point is ${durationInWords(ageSeconds)} old`
  if (strictest === undefined) return { ...facts, state: 'at-risk', reason: `${age}, and ${whyNoMore(plans)}.` }
  const wanted = `the recovery point objective is ${durationInWords(strictest.rpoSeconds)}`
  const state = ageSeconds <= strictest.rpoSeconds ? 'protected' : 'at-risk'
  return { ...facts, state, reason: `${age}; ${wanted}.` }
}

interface Objective {
  rpoSeconds: number
  /** Until then a plan is too young to have met it. */
  dueBy: Date
}

function withoutGoodPoint(
  hasOthers: boolean,
  objective: Objective | undefined,
  now: Date,
): Pick<Protection, 'state' | 'reason'> {
  if (hasOthers) {
    return {
      state: 'unprotected',
      reason: 'No restore point is good: all failed, are damaged, missing or suspiciously small.',
    }
  }
  if (objective !== undefined && now < objective.dueBy) {
    return { state: 'unknown', reason: 'The plan is new and has no restore point yet.' }
  }
  return { state: 'unprotected', reason: 'There is no restore point.' }
}

function whyNoMore(plans: readonly CoveringPlan[]): string {
  if (plans.length === 0) return 'no plan covers the item'
  return plans.every((plan) => plan.paused)
    ? 'every plan of the item is paused'
    : 'no plan of the item is ever due again'
}

/** What a plan wants, if it runs. */
function objectiveOf(plan: CoveringPlan, now: Date): Objective | undefined {
  if (plan.paused) return undefined
  const rpoSeconds = plan.rpoSeconds ?? defaultRpoSeconds(plan.schedule, now)
  if (rpoSeconds === undefined) return undefined
  return { rpoSeconds, dueBy: new Date(plan.createdAt.getTime() + rpoSeconds * 1000) }
}

/**
 * The recovery point objective of a plan that states none: twice the longest interval of its schedule, so that one failed run
 * raises no alarm. Undefined where the schedule ends or cannot be read.
 */
export function defaultRpoSeconds(schedule: Schedule, now: Date): number | undefined {
  const runs = runsAhead(schedule, now)
  const intervals = runs.slice(1).map((run, index) => run.getTime() - (runs[index]?.getTime() ?? 0))
  return intervals.length === 0 ? undefined : (2 * Math.max(...intervals)) / 1000
}

/** The runs of some more than a week, and three at least. */
function runsAhead(schedule: Schedule, now: Date): Date[] {
  try {
    const few = nextRuns(schedule, FEW_RUNS, now)
    const until = now.getTime() + SPAN_MS
    const isEnough = few.length < FEW_RUNS || (few.at(-1)?.getTime() ?? 0) > until
    const runs = isEnough ? few : nextRuns(schedule, MANY_RUNS, now)
    return runs.filter((run, index) => index < 3 || run.getTime() <= until)
  } catch {
    // Schedules are checked when they are stored; one that a newer version reads differently protects nothing.
    return []
  }
}

/** The protection of what consists of items: the worst of theirs, with its reason under the item's name. */
export function worstProtection(items: readonly { name: string; protection: Protection }[]): Protection {
  const [worst] = items.toSorted((one, other) => rankOf(one.protection) - rankOf(other.protection))
  if (worst === undefined) {
    return {
      state: 'unprotected',
      reason: 'No backup plan covers this instance.',
      rpoSeconds: undefined,
      newestAt: undefined,
    }
  }
  const { protection } = worst
  if (items.length === 1) return protection
  return { ...protection, reason: `${worst.name}: ${protection.reason}` }
}

const rankOf = ({ state }: Protection) => worstFirst.indexOf(state)

/** Why somebody left an instance unprotected on purpose, and until when. */
export interface ProtectionExemption {
  reason: string
  /** Who decided it. */
  by: string
  expiresAt: Date
}

/** The protection of what is unprotected on purpose: it is said so, unless it is protected all the same. */
export function exempted(protection: Protection, exemption: ProtectionExemption | undefined): Protection {
  if (exemption === undefined || protection.state === 'protected') return protection
  const { reason, by, expiresAt } = exemption
  const until = `${expiresAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`
  return { ...protection, state: 'exempt', reason: `Unprotected on purpose until ${until} (${by}): ${reason}` }
}
