import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { createGunzip } from 'node:zlib'
import { deserialize, EJSON } from 'bson'
import { RequestError } from '../shared/request-error.ts'
import { type PlainDocument, toPlainDocument } from './plain-document.ts'

/** The largest document of MongoDB has 16 MiB, and some room for its own use. */
const MAX_BSON_BYTES = 16 * 1024 * 1024 + 16 * 1024
/** As text a document is a few times as large. */
const MAX_LINE_BYTES = 4 * MAX_BSON_BYTES
const MIN_BSON_BYTES = 5

/**
 * Reads the documents of one collection: `.bson` as mongodump writes it, or `.json` as mongoexport does, either also with `.gz`.
 * Holds one document in memory at a time.
 *
 * @throws {RequestError} Naming the file and the place in it that cannot be read. No content is part of the message.
 */
export async function* readDocuments(path: string, signal: AbortSignal): AsyncGenerator<PlainDocument> {
  const file = basename(path)
  const raw = createReadStream(path, { signal })
  const isGzip = path.endsWith('.gz')
  const bytes = isGzip ? raw.pipe(createGunzip()) : raw
  if (isGzip) raw.once('error', (error) => bytes.destroy(error))
  const read = /\.bson(\.gz)?$/.test(path) ? readBson : readJsonLines
  try {
    yield* read(file, bytes)
  } catch (cause) {
    if (cause instanceof RequestError || signal.aborted) throw cause
    const { code, message } = cause as NodeJS.ErrnoException
    throw new RequestError('invalid', `${file} cannot be read: ${code ?? message}.`, { cause })
  } finally {
    raw.destroy()
  }
}

async function* readBson(file: string, bytes: AsyncIterable<Buffer>): AsyncGenerator<PlainDocument> {
  let pending: Buffer[] = []
  let [pendingBytes, offset, needed] = [0, 0, 4]
  for await (const chunk of bytes) {
    pending.push(chunk)
    pendingBytes += chunk.length
    if (pendingBytes < needed) continue
    let buffer = Buffer.concat(pending)
    for (;;) {
      needed = buffer.length < 4 ? 4 : sizeOf(buffer, file, offset)
      if (buffer.length < needed || buffer.length < 4) break
      yield decodeBson(buffer.subarray(0, needed), file, offset)
      offset += needed
      buffer = buffer.subarray(needed)
    }
    pending = [buffer]
    pendingBytes = buffer.length
  }
  if (pendingBytes === 0) return
  throw unreadable(file, `it ends in the middle of the document at byte ${offset}: it was cut off. Copy it again.`)
}

function sizeOf(buffer: Buffer, file: string, offset: number): number {
  const size = buffer.readInt32LE(0)
  if (size >= MIN_BSON_BYTES && size <= MAX_BSON_BYTES) return size
  const problem = `the document at byte ${offset} claims ${size} bytes, and MongoDB's have ${MIN_BSON_BYTES} to ${MAX_BSON_BYTES}`
  throw unreadable(file, `${problem}: it is damaged, or not what mongodump wrote.`)
}

function decodeBson(bytes: Buffer, file: string, offset: number): PlainDocument {
  try {
    return toPlainDocument(deserialize(bytes, { allowObjectSmallerThanBufferSize: false }))
  } catch (cause) {
    // The message of the decoder may quote content.
    throw unreadable(file, `the document at byte ${offset} is no valid BSON.`, cause)
  }
}

async function* readJsonLines(file: string, bytes: AsyncIterable<Buffer>): AsyncGenerator<PlainDocument> {
  let [line, pendingBytes] = [1, 0]
  let pending: Buffer[] = []
  for await (const chunk of bytes) {
    let rest = chunk
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      pending.push(rest.subarray(0, end))
      yield* decodeLine(Buffer.concat(pending), file, line++)
      ;[pending, pendingBytes, rest] = [[], 0, rest.subarray(end + 1)]
    }
    pending.push(rest)
    pendingBytes += rest.length
    if (pendingBytes > MAX_LINE_BYTES) {
      throw unreadable(file, `line ${line} has more than ${MAX_LINE_BYTES} bytes: no document is so large.`)
    }
  }
  yield* decodeLine(Buffer.concat(pending), file, line)
}

function* decodeLine(bytes: Buffer, file: string, line: number): Generator<PlainDocument> {
  const text = bytes
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trim()
  if (text === '') return
  let value: unknown
  try {
    value = EJSON.deserialize(JSON.parse(text), { relaxed: true })
  } catch (cause) {
    const advice = 'export it without --pretty, and whole'
    throw unreadable(file, `line ${line} is no document in (extended) JSON: ${advice}.`, cause)
  }
  // --jsonArray writes all documents as one array.
  for (const each of Array.isArray(value) ? value : [value]) yield toPlainDocument(each)
}

function unreadable(file: string, problem: string, cause?: unknown): RequestError {
  return new RequestError('invalid', `${file} cannot be read: ${problem}`, { cause })
}
