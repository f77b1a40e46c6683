const numbers = new Intl.NumberFormat()
const instants = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
const exactInstants = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' })
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' })

const byteUnits = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'] as const
const KILO = 1000

/** `12,345` in the viewer's locale. */
export const formatCount = (count: number): string => numbers.format(count)

/** A size with three digits at most, in powers of 1000. */
export function formatBytes(bytes: number): string {
  const magnitude = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), byteUnits.length - 1)
  const value = bytes / KILO ** magnitude
  return new Intl.NumberFormat(undefined, {
    style: 'unit',
    unit: byteUnits[magnitude] ?? 'byte',
    unitDisplay: magnitude === 0 ? 'long' : 'short',
    maximumFractionDigits: magnitude === 0 || value >= 100 ? 0 : 1,
  }).format(value)
}

/** How much larger or smaller something became. */
export const formatGrowth = (bytes: number): string => `${bytes < 0 ? '−' : '+'}${formatBytes(Math.abs(bytes))}`

/** Date and time to the minute, in the viewer's zone. */
export const formatInstant = (instant: string): string => instants.format(new Date(instant))

/** Date, time to the second and zone. */
export const formatExactInstant = (instant: string): string => exactInstants.format(new Date(instant))

const durationSteps = [
  { unit: 'day', seconds: 86_400 },
  { unit: 'hour', seconds: 3600 },
  { unit: 'minute', seconds: 60 },
  { unit: 'second', seconds: 1 },
] as const

/** The largest two units of a duration, such as `2 hr 5 min`. */
export function formatDuration(totalSeconds: number): string {
  const rounded = totalSeconds < 10 ? Math.round(totalSeconds * 10) / 10 : Math.round(totalSeconds)
  const first = durationSteps.findIndex(({ seconds }) => rounded >= seconds)
  if (first === -1) return formatUnit(rounded, 'second')
  const [large, small] = durationSteps.slice(first, first + 2)
  if (large === undefined || small === undefined) return formatUnit(rounded, 'second')
  const count = Math.floor(rounded / large.seconds)
  const rest = Math.floor((rounded - count * large.seconds) / small.seconds)
  return rest === 0 ? formatUnit(count, large.unit) : `${formatUnit(count, large.unit)} ${formatUnit(rest, small.unit)}`
}

const formatUnit = (value: number, unit: string) =>
  new Intl.NumberFormat(undefined, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 1 }).format(
    value,
  )

/** `5 minutes ago`, `in 2 hours`. */
export function formatRelative(instant: string, now: number): string {
  const seconds = (new Date(instant).getTime() - now) / 1000
  const step = durationSteps.find(({ seconds: length }) => Math.abs(seconds) >= length)
  return step === undefined
    ? relative.format(0, 'second')
    : relative.format(Math.round(seconds / step.seconds), step.unit)
}
