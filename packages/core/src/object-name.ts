/**
 * The name of a dump without its type, `<host>_YYYY_MM_DD_<dbname>`, the day in UTC.
 *
 * @param host - Host the dump is taken from, already checked to hold no `/` or control character.
 * @param database - Database name, checked likewise.
 */
export function dumpName(host: string, database: string, takenAt: Date): string {
  return `${host}_${takenAt.toISOString().slice(0, 10).replaceAll('-', '_')}_${database}`
}

/**
 * The names an object may be stored under, best first: the dump's own, then with `_HHMMSS` before the type, then
 * numbered. The caller takes the first that is free, since an object is never overwritten. Never ends.
 *
 * @param name - A dump name as `dumpName` makes it.
 * @param type - What follows the name, with its dot: `.tar.gz`, `.dump.zst.age`.
 */
export function* objectNames(name: string, type: string, takenAt: Date): Generator<string, never> {
  yield name + type
  const timed = `${name}_${takenAt.toISOString().slice(11, 19).replaceAll(':', '')}`
  yield timed + type
  for (let count = 2; ; count++) yield `${timed}_${count}${type}`
}
