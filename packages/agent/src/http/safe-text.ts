import { Buffer } from 'node:buffer'

/** The limit of a file name on common file systems. */
const MAX_NAME_BYTES = 255
/** Maximum length of the endings of a dump's name: `_HHMMSS_12`, a type, `.zst.age`. */
const ENDINGS_BYTES = 60

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/

/** Why a text cannot become one component of a path and an argument of scripts; undefined if it can. */
export function componentProblem(field: string, text: string): string | undefined {
  if (text === '') return `${field} is empty`
  if (CONTROL.test(text) || !text.isWellFormed())
    return `${field} must not contain control characters or broken Unicode`
  if (text.includes('/') || text.includes('\\')) return `${field} must not contain a slash or backslash`
  if (text === '.' || text === '..') return `${field} must not be "${text}"`
  if (text.startsWith('-')) return `${field} must not begin with a dash: scripts would take it for an option`
  if (Buffer.byteLength(text) > MAX_NAME_BYTES) return `${field} must not be longer than ${MAX_NAME_BYTES} bytes`
  return undefined
}

/** Why a text cannot be the prefix of an object's name. It may be empty, contain slashes and end with one. */
export function prefixProblem(field: string, prefix: string): string | undefined {
  if (CONTROL.test(prefix) || !prefix.isWellFormed()) return `${field} must not contain control characters`
  if (Buffer.byteLength(prefix) > 500) return `${field} must not be longer than 500 bytes`
  const segments = prefix.replace(/\/$/, '').split('/')
  const isWrong = prefix !== '' && segments.some((segment) => segment === '' || segment === '.' || segment === '..')
  return isWrong ? `${field} must not begin with a slash or contain empty, "." or ".." parts` : undefined
}

/** Why a text cannot be part of an environment or an argument. */
export function valueProblem(field: string, text: string): string | undefined {
  if (text.includes('\0')) return `${field} must not contain NUL`
  return Buffer.byteLength(text) > 50_000 ? `${field} must not be longer than 50000 bytes` : undefined
}

/** Why a text cannot be the name of a dump. */
export function dumpNameProblem(name: string): string | undefined {
  return Buffer.byteLength(name) > MAX_NAME_BYTES - ENDINGS_BYTES
    ? `host and database make a file name of more than ${MAX_NAME_BYTES - ENDINGS_BYTES} bytes`
    : undefined
}
