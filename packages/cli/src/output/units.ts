const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const
const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** A size for people, such as `1.5 GB`; powers of 1000. */
export function formatBytes(bytes: number): string {
  const exponent = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), UNITS.length - 1)
  const value = bytes / 1000 ** exponent
  return `${exponent === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[exponent]}`
}

/** A duration for people, such as `3 min 20 s`: the two largest units. */
export function formatDuration(ms: number): string {
  const [whole, minutes, hours, days] = [ms, MINUTE_MS, HOUR_MS, DAY_MS]
  if (whole < SECOND_MS) return `${Math.max(0, Math.round(whole))} ms`
  if (whole < minutes) return `${Math.round(whole / SECOND_MS)} s`
  if (whole < hours) return two(whole, minutes, 'min', SECOND_MS, 's')
  if (whole < days) return two(whole, hours, 'h', minutes, 'min')
  return two(whole, days, 'd', hours, 'h')
}

function two(ms: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const count = Math.floor(ms / large)
  const rest = Math.floor((ms % large) / small)
  return rest === 0 ? `${count} ${largeUnit}` : `${count} ${largeUnit} ${rest} ${smallUnit}`
}

/** An instant relative to now, such as `5 min ago` or `in 2 h`: the largest unit. */
export function formatRelative(instant: string, nowMs: number): string {
  const difference = Date.parse(instant) - nowMs
  const ms = Math.abs(difference)
  if (ms < SECOND_MS * 5) return 'now'
  const [count, unit] =
    ms < MINUTE_MS
      ? [ms / SECOND_MS, 's']
      : ms < HOUR_MS
        ? [ms / MINUTE_MS, 'min']
        : ms < 2 * DAY_MS
          ? [ms / HOUR_MS, 'h']
          : [ms / DAY_MS, 'd']
  const amount = `${Math.floor(count)} ${unit}`
  return difference < 0 ? `${amount} ago` : `in ${amount}`
}

const durationUnits = { s: 1, m: 60, min: 60, h: 3600, d: 86_400, w: 604_800 } as const

/**
 * Reads a duration such as `30s`, `15m`, `2h` or `7d`.
 *
 * @returns Seconds; undefined if it is not a duration.
 */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)\s*(s|m|min|h|d|w)$/.exec(text.trim())
  if (match === null) return undefined
  const [, amount, unit] = match
  return Number(amount) * durationUnits[unit as keyof typeof durationUnits]
}

/**
 * Reads an instant: RFC 3339, a local date with or without time, or a duration ago (`2h`, `7d`).
 *
 * @returns RFC 3339 in UTC; undefined if it is none of these.
 */
export function parseInstant(text: string, nowMs: number): string | undefined {
  const ago = parseDuration(text.replace(/\s*ago$/, ''))
  if (ago !== undefined) return new Date(nowMs - ago * SECOND_MS).toISOString()
  const iso = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/.exec(text.trim())
  if (iso === null) return undefined
  // Without a zone, a date without time would be read as UTC, one with a time as local.
  const local = text.trim().length === 10 ? `${text.trim()}T00:00` : text.trim().replace(' ', 'T')
  const at = new Date(local)
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString()
}
