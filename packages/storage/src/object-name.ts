import { StoreError } from './store-error.ts'

const MAXIMUM_BYTES = 1000
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/

/**
 * Checks that every kind of store can store an object of this name (see {@link ObjectStore}).
 *
 * @throws {StoreError} With code `invalid-name`, which describes the problem.
 */
export function validateObjectName(name: string): void {
  const problem = problemWithName(name)
  if (problem !== undefined) {
    throw new StoreError('invalid-name', `The object name ${JSON.stringify(name.slice(0, 200))} ${problem}.`)
  }
}

function problemWithName(name: string): string | undefined {
  if (name === '') return 'is empty'
  if (!name.isWellFormed()) return 'is not well-formed Unicode'
  if (Buffer.byteLength(name) > MAXIMUM_BYTES) return `is longer than ${MAXIMUM_BYTES} bytes in UTF-8`
  if (CONTROL_CHARACTER.test(name)) return 'holds a control character'
  for (const segment of name.split('/')) {
    if (segment === '') return 'holds an empty segment: no slash may lead, end or follow another'
    if (segment === '.' || segment === '..') return `holds the segment "${segment}"`
  }
  return undefined
}

/** Orders names by their bytes in UTF-8, as stores list them; JavaScript's own order differs beyond U+FFFF. */
export function compareNames(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right))
}
