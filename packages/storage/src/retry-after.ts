/**
 * Interprets the header `Retry-After`: seconds, or a date.
 *
 * @param now - The time that a date is compared with.
 * @returns The delay; undefined if the header is missing or not valid.
 */
export function parseRetryAfter(header: string | string[] | undefined, now: Date): number | undefined {
  if (typeof header !== 'string') return undefined
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000
  const atMs = Date.parse(header)
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - now.getTime())
}
