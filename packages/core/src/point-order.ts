/** A restore point in the order in which points were recorded. */
export interface OrderedPoint {
  id: string
  /** Ascending in the order of recording. */
  sequence: number
  takenAt: Date
}

/**
 * Decides which points of one instance get new sequence numbers, so that dumps that were recorded late, of an earlier time, come
 * before the newer ones: retention and protection go by that order. The order of the points that were there before stays.
 *
 * @param points - All points of the instance, in any order; not mutated. Those that were recorded late have the highest sequences.
 * @param late - The ids of those that were recorded late.
 * @returns The ids of the points that get a new, higher sequence number, in this order.
 */
export function reorderedPoints(points: readonly OrderedPoint[], late: ReadonlySet<string>): string[] {
  const bySequence = points.toSorted((one, other) => one.sequence - other.sequence)
  const merged = bySequence.filter((point) => !late.has(point.id))
  const added = bySequence
    .filter((point) => late.has(point.id))
    .sort((one, other) => one.takenAt.getTime() - other.takenAt.getTime())
  let from = 0
  for (const point of added) {
    const newer = merged.findIndex((each, index) => index >= from && each.takenAt > point.takenAt)
    const place = newer === -1 ? merged.length : newer
    merged.splice(place, 0, point)
    from = place + 1
  }
  // Those before the first one that a later one precedes stay as they are.
  let [first, least] = [merged.length, Number.POSITIVE_INFINITY]
  for (const [index, { sequence }] of [...merged.entries()].reverse()) {
    if (sequence > least) first = index
    least = Math.min(least, sequence)
  }
  return merged.slice(first).map((point) => point.id)
}
