/** Longest text of an answer that is stored; of a longer one, such as a log, the beginning and the end. */
const MAX_TEXT_LENGTH = 96 * 1024
const KEPT_BEGINNING = 48 * 1024
/** Most entries of a list that are stored. */
const MAX_ENTRIES = 10_000

/**
 * What an agent answered, as it can be stored: scripts may print what PostgreSQL cannot, so that NUL and lone surrogates are
 * replaced by U+FFFD, and more than anybody should have to load. Nulls are dropped.
 */
export function storable(value: unknown): unknown {
  if (typeof value === 'string') return shortened(value).replaceAll('\0', '\uFFFD').toWellFormed()
  if (Array.isArray(value)) return value.slice(0, MAX_ENTRIES).map(storable)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, inner]) => inner !== null)
  return Object.fromEntries(entries.slice(0, MAX_ENTRIES).map(([name, inner]) => [storable(name), storable(inner)]))
}

function shortened(text: string): string {
  if (text.length <= MAX_TEXT_LENGTH) return text
  const note = `\n… ${text.length - MAX_TEXT_LENGTH} characters are left out here …\n`
  return text.slice(0, KEPT_BEGINNING) + note + text.slice(KEPT_BEGINNING - MAX_TEXT_LENGTH)
}
