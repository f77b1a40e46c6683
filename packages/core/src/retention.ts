import type { RetentionStyle as LegacyStyle } from '@osb-backup/protocol'
import { areGenerationsShorter, GenerationCount, type GenerationKind, type Generations } from './generations.ts'

export type RetentionStyle = LegacyStyle | 'GFS'

/**
 * How long restore points are kept: FILES counts them, per item; HOURS and DAYS (of 24 hours) go by age, measured from the
 * newest good one of the item; GFS keeps generations, per item; ALL keeps all.
 */
export interface Retention {
  style: RetentionStyle
  /** 1 where the style has none. */
  period: number
  /** Of GFS. */
  generations?: Generations | undefined
  /** IANA name of the zone whose clocks tell days, weeks, months and years apart; UTC by default. */
  timezone?: string | undefined
}

/**
 * Why a restore point is kept: it is `held`; the `newest` good one, or newer than that (`unreplaced`); one of those that
 * the retention keeps by number (`count`), `age`, or as a generation; or the retention keeps `all`.
 */
export type KeepReason = 'held' | 'newest' | 'unreplaced' | 'count' | 'age' | 'all' | 'last' | GenerationKind

/** What retention has to know of a restore point. */
export interface RetainedPoint {
  id: string
  item: string
  /** In the order in which they were recorded: "newer" is what has the larger one, whatever clocks said. */
  sequence: number
  takenAt: Date
  /** A user holds it. */
  held: boolean
  /** Left by a part that succeeded, and not found damaged or missing since. */
  good: boolean
  /** Good but for its object, which was not found. That may be temporary: a directory that is not mounted, for example. */
  missing: boolean
  /** So much smaller than those before it that it may be no backup. */
  suspicious: boolean
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/**
 * The restore points of one plan that its retention does not keep, oldest first.
 *
 * Never among them: what is held, the newest good and unsuspicious point of each item, and what is newer than that. So the
 * last backup that can be restored stays whatever the period, clocks and later failures do. Ages count from that point, so
 * that a plan that is paused, or fails, keeps what it has. What is held, suspicious or not good takes the place of no other
 * one; what is not good expires as soon as there is a newer good one, unless it is only missing.
 */
export function expiredPoints<P extends RetainedPoint>(points: readonly P[], retention: Retention, now: Date): P[] {
  return [...decideRetention(points, retention, now)]
    .flatMap(([point, reasons]) => (reasons.length === 0 ? [point] : []))
    .toSorted(newestFirst)
    .reverse()
}

/** Why each of the restore points of one plan is kept; one that is kept for no reason has expired. */
export function decideRetention<P extends RetainedPoint>(
  points: readonly P[],
  retention: Retention,
  now: Date,
): Map<P, KeepReason[]> {
  const items = Map.groupBy(points, (point) => point.item).values()
  return new Map([...items].flatMap((ofItem) => decideItem(ofItem.toSorted(newestFirst), retention, now)))
}

function decideItem<P extends RetainedPoint>(
  newestFirst: readonly P[],
  retention: Retention,
  now: Date,
): [P, KeepReason[]][] {
  const newest = newestFirst.findIndex(countsAsBackup)
  const last = newestFirst[newest]
  if (last === undefined)
    return newestFirst.map((point) => [point, point.held ? ['held', 'unreplaced'] : ['unreplaced']])
  // A clock that ran ahead when it was taken must not age the others.
  const agesFromMs = Math.min(last.takenAt.getTime(), now.getTime())
  const decide = ruleOf(retention, agesFromMs)
  return newestFirst.map((point, index) => {
    const reasons: KeepReason[] = point.held ? ['held'] : []
    if (index === newest) reasons.push('newest')
    else if (index < newest) reasons.push('unreplaced')
    reasons.push(...decide(point))
    return [point, reasons]
  })
}

/** What a retention keeps of an item: asked for one restore point after the other, from the newest on. */
type Rule = (point: RetainedPoint) => KeepReason[]

function ruleOf({ style, period, generations = {}, timezone = 'UTC' }: Retention, agesFromMs: number): Rule {
  switch (style) {
    case 'ALL':
      return () => ['all']
    case 'HOURS':
      return ageRule(period * HOUR_MS, agesFromMs)
    case 'DAYS':
      return ageRule(period * DAY_MS, agesFromMs)
    case 'FILES':
      return countRule(period)
    case 'GFS':
      return generationRule(generations, timezone, agesFromMs)
  }
}

function ageRule(ageMs: number, agesFromMs: number): Rule {
  return ({ takenAt }) => (takenAt.getTime() > agesFromMs - ageMs ? ['age'] : [])
}

function countRule(period: number): Rule {
  let newer = 0
  return (point) => {
    const isKept = mayBeRestored(point) && newer < period
    if (takesPlace(point)) newer++
    return isKept ? ['count'] : []
  }
}

function generationRule(generations: Generations, timezone: string, agesFromMs: number): Rule {
  const count = new GenerationCount(generations, timezone)
  const { maxAgeDays = Number.POSITIVE_INFINITY } = generations
  const isYoung = ageRule(maxAgeDays * DAY_MS, agesFromMs)
  return (point) =>
    mayBeRestored(point) && isYoung(point).length > 0 ? count.next(point.takenAt, takesPlace(point)) : []
}

const mayBeRestored = ({ good, missing }: RetainedPoint) => good || missing
/** Whether it is one of those that a retention counts. */
const takesPlace = (point: RetainedPoint) => countsAsBackup(point) && !point.held

/** Whether a restore point is one to rely on. */
export function countsAsBackup({ good, suspicious }: Pick<RetainedPoint, 'good' | 'suspicious'>): boolean {
  return good && !suspicious
}

const newestFirst = (one: RetainedPoint, other: RetainedPoint) => other.sequence - one.sequence

/**
 * Whether a retention may delete what another one keeps. Numbers, ages and generations cannot be compared, nor can
 * generations by the clocks of different zones, so that going from one to the other counts as shorter.
 */
export function isRetentionShorter(retention: Retention, before: Retention): boolean {
  if (retention.style === 'ALL') return false
  const [now, then] = [hoursOf(retention), hoursOf(before)]
  if (now !== undefined && then !== undefined) return now < then
  if (retention.style === 'GFS' && before.style === 'GFS') {
    if ((retention.timezone ?? 'UTC') !== (before.timezone ?? 'UTC')) return true
    return areGenerationsShorter(retention.generations ?? {}, before.generations ?? {})
  }
  return retention.style !== before.style || retention.period < before.period
}

/** Undefined: it does not go by age. */
function hoursOf({ style, period }: Retention): number | undefined {
  if (style === 'HOURS') return period
  return style === 'DAYS' ? period * 24 : undefined
}
