import { text } from 'node:stream/consumers'
import { LineCounter, parseAllDocuments } from 'yaml'
import { readTextFile } from '../config/resolve-connection.ts'
import { UsageError } from '../exit-code.ts'
import type { Io } from '../io.ts'

const MAXIMUM_BYTES = 10_000_000
const MAXIMUM_ALIASES = 100

/**
 * Reads the documents of a YAML or JSON text.
 *
 * @param source - What the text is called in messages.
 * @throws {UsageError} With the line of the first mistake, without quoting it: the text may have secrets.
 */
export function parseDocuments(content: string, source: string): unknown[] {
  if (Buffer.byteLength(content) > MAXIMUM_BYTES)
    throw new UsageError(`${source} is larger than ${MAXIMUM_BYTES} bytes.`)
  const lineCounter = new LineCounter()
  const documents = parseAllDocuments(content, {
    lineCounter,
    prettyErrors: false,
    logLevel: 'silent',
    uniqueKeys: true,
  })
  const values: unknown[] = []
  for (const document of Array.isArray(documents) ? documents : []) {
    const [error] = document.errors
    if (error !== undefined) {
      const { line, col } = lineCounter.linePos(error.pos[0])
      throw new UsageError(`${source} is not valid YAML: line ${line}, column ${col} (${error.code}).`)
    }
    try {
      const value: unknown = document.toJS({ maxAliasCount: MAXIMUM_ALIASES })
      if (value !== null) values.push(value)
    } catch (cause) {
      throw new UsageError(`${source} has too many aliases.`, { cause })
    }
  }
  return values
}

/** Reads a file that the user named, or standard input (`-`). */
export async function readDocuments(io: Io, file: string): Promise<unknown[]> {
  if (file !== '-') return parseDocuments(await readTextFile(file, 'the document'), file)
  if (io.stdin.isTTY)
    throw new UsageError('Standard input is a terminal.', { hint: 'Pipe a document in, or name a file.' })
  return parseDocuments(await text(io.stdin), 'Standard input')
}

/** As `readDocuments`, for a file that describes one thing. */
export async function readObject(io: Io, file: string): Promise<Record<string, unknown>> {
  const [document, ...others] = await readDocuments(io, file)
  if (others.length > 0 || !isObject(document)) {
    throw new UsageError(
      `${file === '-' ? 'Standard input' : file} must contain exactly one YAML mapping or JSON object.`,
    )
  }
  return document
}

/** Whether a value is an object with fields. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Replaces `{fromEnv: NAME}` and `{fromFile: path}` wherever they stand, so that secrets need not be in the document.
 *
 * @throws {UsageError} If a variable is not set or a file cannot be read.
 */
export async function resolveReferences(io: Io, value: unknown): Promise<unknown> {
  if (Array.isArray(value)) return Promise.all(value.map((each) => resolveReferences(io, each)))
  if (!isObject(value)) return value
  const [[name, reference] = [], ...others] = Object.entries(value)
  if (others.length === 0 && typeof reference === 'string') {
    if (name === 'fromEnv') {
      const found = io.env[reference]
      if (found === undefined || found === '') throw new UsageError(`The environment variable ${reference} is not set.`)
      return found
    }
    if (name === 'fromFile') return (await readTextFile(reference, 'fromFile')).replace(/\r?\n$/, '')
  }
  const entries = Object.entries(value).map(async ([key, each]) => [key, await resolveReferences(io, each)] as const)
  return Object.fromEntries(await Promise.all(entries))
}
