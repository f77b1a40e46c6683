import type { RetentionStyle } from '@osb-backup/protocol'

/** How long restore points are kept: FILES counts them, per item; HOURS and DAYS (of 24 hours) go by age; ALL keeps all. */
export interface Retention {
  style: RetentionStyle
  period: number
}

/** What retention has to know of a restore point. */
export interface RetainedPoint {
  id: string
  item: string
  takenAt: Date
  /** Somebody wants it kept. */
  held: boolean
  /** Left by a part that succeeded, and not found damaged or missing since. */
  good: boolean
}

const HOUR_MS = 3_600_000
/** Clocks of managers may differ by so much. What is dated later was dated by a clock that was wrong. */
const CLOCK_DIFFERENCE_MS = 24 * HOUR_MS

/**
 * The restore points of one plan that its retention does not keep, oldest first.
 *
 * Never among them: what is held, the newest good point of each item, and what is newer than that. So the last backup that
 * can be restored stays whatever the period, the clock and later failures do. What is not good does not count as one of
 * FILES, and goes once a newer good one is there and its time is over. What is dated of the future counts as the oldest.
 */
export function expiredPoints<P extends RetainedPoint>(points: readonly P[], retention: Retention, now: Date): P[] {
  if (retention.style === 'ALL') return []
  return [...Map.groupBy(points, (point) => point.item).values()]
    .flatMap((ofItem) => expiredOfItem(ofItem.toSorted(newestFirst(now)), retention, now))
    .toSorted(newestFirst(now))
    .reverse()
}

function expiredOfItem<P extends RetainedPoint>(newestFirst: readonly P[], retention: Retention, now: Date): P[] {
  const newestGood = newestFirst.findIndex((point) => point.good)
  if (newestGood === -1) return []
  let good = 0
  return newestFirst.filter((point, index) => {
    if (point.good) good++
    if (point.held || index <= newestGood) return false
    if (retention.style === 'FILES') return !point.good || good > retention.period
    return point.takenAt.getTime() <= now.getTime() - retention.period * periodMs(retention)
  })
}

function periodMs({ style }: Retention): number {
  return style === 'HOURS' ? HOUR_MS : 24 * HOUR_MS
}

function newestFirst(now: Date): (one: RetainedPoint, other: RetainedPoint) => number {
  const latest = now.getTime() + CLOCK_DIFFERENCE_MS
  const isOfFuture = (point: RetainedPoint) => Number(point.takenAt.getTime() > latest)
  return (one, other) =>
    isOfFuture(one) - isOfFuture(other) ||
    other.takenAt.getTime() - one.takenAt.getTime() ||
    (one.id < other.id ? 1 : -1)
}
