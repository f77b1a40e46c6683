/** How much there was at a time. */
export interface Sample {
  at: Date
  value: number
}

const DAY_MS = 86_400_000
/** The number of slopes grows with the square of the samples. */
const MAX_SAMPLES = 200
/** A shorter time says nothing of days to come. */
const SHORTEST_SPAN_MS = DAY_MS
/** A projection further ahead than that is not worth anything. */
const FURTHEST_DAYS = 3650

/**
 * How much a value grows a day: the median of the slopes between all pairs of samples (Theil–Sen), so that a single dump of
 * another size does not matter.
 *
 * @param samples - In any order; of many, evenly spaced ones are used.
 * @returns Undefined if they span less than a day. Negative if the value shrinks.
 */
export function growthPerDay(samples: readonly Sample[]): number | undefined {
  const ordered = samples.toSorted((one, other) => one.at.getTime() - other.at.getTime())
  const step = Math.max(1, Math.ceil(ordered.length / MAX_SAMPLES))
  const used = ordered.filter((_, index) => index % step === 0 || index === ordered.length - 1)
  const [first, last] = [used[0], used.at(-1)]
  if (first === undefined || last === undefined) return undefined
  if (last.at.getTime() - first.at.getTime() < SHORTEST_SPAN_MS) return undefined
  const slopes = used.flatMap((from, index) =>
    used.slice(index + 1).flatMap((to) => {
      const days = (to.at.getTime() - from.at.getTime()) / DAY_MS
      return days > 0 ? [(to.value - from.value) / days] : []
    }),
  )
  return medianOf(slopes)
}

function medianOf(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = Math.floor(sorted.length / 2)
  const [low, high] = [sorted[sorted.length % 2 === 1 ? middle : middle - 1], sorted[middle]]
  return low === undefined || high === undefined ? undefined : (low + high) / 2
}

/**
 * When a value that grows steadily reaches a limit.
 *
 * @returns `now` if it has; undefined if it never does, or in more than ten years.
 */
export function reachedAt(
  { value, perDay, limit }: { value: number; perDay: number | undefined; limit: number },
  now: Date,
): Date | undefined {
  if (value >= limit) return now
  if (perDay === undefined || perDay <= 0) return undefined
  const days = (limit - value) / perDay
  return days > FURTHEST_DAYS ? undefined : new Date(now.getTime() + days * DAY_MS)
}

/** What there was at the end of a day in UTC. */
export interface DayLevel {
  /** As `2026-03-01`. */
  day: string
  value: number
}

/**
 * What there was at the end of each of the last days in UTC, the first one first; the last is today. Days before there was
 * anything are left out.
 *
 * @param current - What there is now.
 * @param changes - By how much it changed on each of these days, in any order.
 */
export function levelsByDay(
  current: number,
  changes: readonly { day: string; change: number }[],
  { now, days }: { now: Date; days: number },
): DayLevel[] {
  const changeOn = new Map(changes.map(({ day, change }) => [day, change]))
  let value = current
  const newestFirst = Array.from({ length: days }, (_, ago) => {
    const day = dayOf(now.getTime() - ago * DAY_MS)
    const level = { day, value }
    value -= changeOn.get(day) ?? 0
    return level
  })
  const levels = newestFirst.reverse()
  const first = levels.findIndex((level) => level.value !== 0)
  return first === -1 ? [] : levels.slice(first)
}

const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10)
