/** `2021-04-13T08:00:00.123+00:00`, as existing clients know instants. */
export function instantToWire(instant: Date): string {
  return instant.toISOString().replace('Z', '+00:00')
}

/**
 * An instant as a clock in a zone shows it, to the second: `2026-03-29T03:00:00+02:00`.
 *
 * @param timezone - IANA name, known to be one.
 */
export function instantInZone(instant: Date, timezone: string): string {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: timezone,
    dateStyle: 'short',
    timeStyle: 'medium',
  })
  const offsets = new Intl.DateTimeFormat('en', { timeZone: timezone, timeZoneName: 'longOffset' })
  const name = offsets.formatToParts(instant).find(({ type }) => type === 'timeZoneName')?.value ?? 'GMT'
  return `${format.format(instant).replace(' ', 'T')}${name === 'GMT' ? '+00:00' : name.slice('GMT'.length)}`
}
