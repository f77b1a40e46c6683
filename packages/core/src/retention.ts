import type { RetentionStyle } from '@osb-backup/protocol'

/**
 * How long restore points are kept: FILES counts them, per item; HOURS and DAYS (of 24 hours) go by age, measured from the
 * newest good one of the item; ALL keeps all.
 */
export interface Retention {
  style: RetentionStyle
  period: number
}

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

/**
 * The restore points of one plan that its retention does not keep, oldest first.
 *
 * Never among them: what is held, the newest good and unsuspicious point of each item, and what is newer than that. So the
 * last backup that can be restored stays whatever the period, clocks and later failures do. Ages count from that point, so
 * that a plan that is paused, or fails, keeps what it has. What is held, suspicious or not good takes none of the FILES; what
 * is not good expires as soon as there is a newer good one, unless it is only missing.
 */
export function expiredPoints<P extends RetainedPoint>(points: readonly P[], retention: Retention, now: Date): P[] {
  if (retention.style === 'ALL') return []
  return [...Map.groupBy(points, (point) => point.item).values()]
    .flatMap((ofItem) => expiredOfItem(ofItem.toSorted(newestFirst), retention, now))
    .toSorted(newestFirst)
    .reverse()
}

function expiredOfItem<P extends RetainedPoint>(newestFirst: readonly P[], retention: Retention, now: Date): P[] {
  const newest = newestFirst.findIndex(countsAsBackup)
  const last = newestFirst[newest]
  if (last === undefined) return []
  // A clock that ran ahead when it was taken must not age the others.
  const agesFromMs = Math.min(last.takenAt.getTime(), now.getTime())
  let newerFiles = 0
  return newestFirst.filter((point, index) => {
    const newer = newerFiles
    if (countsAsBackup(point) && !point.held) newerFiles++
    if (point.held || index <= newest) return false
    if (retention.style === 'FILES') return (!point.good && !point.missing) || newer >= retention.period
    return point.takenAt.getTime() <= agesFromMs - retention.period * periodMs(retention)
  })
}

/** Whether a restore point is one to rely on. */
export function countsAsBackup({ good, suspicious }: Pick<RetainedPoint, 'good' | 'suspicious'>): boolean {
  return good && !suspicious
}

function periodMs({ style }: Retention): number {
  return style === 'HOURS' ? HOUR_MS : 24 * HOUR_MS
}

const newestFirst = (one: RetainedPoint, other: RetainedPoint) => other.sequence - one.sequence

/**
 * Whether a retention may delete what another one keeps. Numbers and ages cannot be compared, so that going from one to the
 * other counts as shorter.
 */
export function isRetentionShorter(retention: Retention, before: Retention): boolean {
  if (retention.style === 'ALL') return false
  const [now, then] = [hoursOf(retention), hoursOf(before)]
  if (now !== undefined && then !== undefined) return now < then
  return retention.style !== before.style || retention.period < before.period
}

/** Undefined: it does not go by age. */
function hoursOf({ style, period }: Retention): number | undefined {
  if (style === 'HOURS') return period
  return style === 'DAYS' ? period * 24 : undefined
}
