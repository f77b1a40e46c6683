/** Wall-clock times are represented as instants of UTC: 02:30 in Berlin as 02:30Z. */

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const formats = new Map<string, Intl.DateTimeFormat>()

/** What the clocks of a zone show at an instant. @throws {RangeError} If there is no such zone. */
export function wallTime(instant: Date, timezone: string): Date {
  return new Date(instant.getTime() + offsetMs(instant.getTime(), timezone))
}

/**
 * When the clocks of a zone show a time: the first time where they show it twice, and the moment they jump where they jump
 * over it.
 */
export function instantOf(wall: Date, timezone: string): Date {
  const wallMs = wall.getTime()
  const offsets = [wallMs - DAY_MS, wallMs + DAY_MS].map((around) => offsetMs(around, timezone))
  const candidates = offsets.map((offset) => wallMs - offset).toSorted((one, other) => one - other)
  const shown = candidates.find((candidate) => offsetMs(candidate, timezone) === wallMs - candidate)
  return new Date(shown ?? jumpBetween(candidates[0] ?? wallMs, candidates[1] ?? wallMs, timezone))
}

/**
 * The change of a zone's clocks within at most a day, and the offset from then on, in milliseconds since the epoch. Two changes
 * that cancel each other within it are not seen; no zone has had them.
 */
export function nextOffsetChange(
  afterMs: number,
  untilMs: number,
  timezone: string,
): { atMs: number; offsetMs: number } | undefined {
  const offset = offsetMs(untilMs, timezone)
  if (offset === offsetMs(afterMs, timezone)) return undefined
  return { atMs: jumpBetween(afterMs, untilMs, timezone), offsetMs: offset }
}

/** The instant at which the offset changes, to the minute. */
function jumpBetween(fromMs: number, untilMs: number, timezone: string): number {
  const before = offsetMs(fromMs, timezone)
  let [low, high] = [fromMs, untilMs]
  while (high - low > MINUTE_MS) {
    const middle = Math.floor((low + high) / 2 / MINUTE_MS) * MINUTE_MS
    const isBefore = offsetMs(middle, timezone) === before && middle > low
    if (isBefore) low = middle
    else if (middle <= low) break
    else high = middle
  }
  return Math.floor(high / MINUTE_MS) * MINUTE_MS
}

function offsetMs(instantMs: number, timezone: string): number {
  let format = formats.get(timezone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'longOffset', year: 'numeric' })
    formats.set(timezone, format)
  }
  const [, sign, hours = '0', minutes = '0', seconds = '0'] =
    /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(format.format(instantMs)) ?? []
  const size = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000
  return sign === '-' ? -size : size
}
