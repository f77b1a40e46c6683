import { createHash } from 'node:crypto'
import { Transform } from 'node:stream'
import { ContentError } from './content-error.ts'

/** What a stored object must be; fields that are absent are not checked. */
export interface ExpectedContent {
  sizeBytes?: number
  sha256?: string
}

/** A stream that passes bytes on unchanged, and counts and digests them. */
export interface Meter extends Transform {
  readonly sizeBytes: number
  /** SHA-256 in hex; only once the stream has ended. */
  readonly sha256: string
}

/**
 * Creates a meter.
 *
 * @param onBytes - Called for each chunk with the total so far.
 * @param atEnd - Called before the stream ends; if it throws, the stream fails instead.
 */
export function meter(onBytes?: (sizeBytes: number, chunk: Buffer) => void, atEnd?: (measured: Meter) => void): Meter {
  const hash = createHash('sha256')
  const measured = { sizeBytes: 0, sha256: '' }
  const stream: Meter = Object.defineProperties(
    new Transform({
      highWaterMark: 64 * 1024,
      transform(chunk: Buffer, _encoding, callback) {
        hash.update(chunk)
        measured.sizeBytes += chunk.length
        try {
          onBytes?.(measured.sizeBytes, chunk)
          callback(null, chunk)
        } catch (error) {
          callback(error as Error)
        }
      },
      flush(callback) {
        measured.sha256 = hash.digest('hex')
        try {
          atEnd?.(stream)
          callback()
        } catch (error) {
          callback(error as Error)
        }
      },
    }),
    { sizeBytes: { get: () => measured.sizeBytes }, sha256: { get: () => measured.sha256 } },
  ) as Meter
  return stream
}

/**
 * Fails as soon as an object has more bytes than were recorded: a store may send bytes without end.
 *
 * @throws {ContentError} With code `mismatch`.
 */
export function checkNotLonger(name: string, sizeBytes: number, expected: ExpectedContent): void {
  if (expected.sizeBytes === undefined || sizeBytes <= expected.sizeBytes) return
  throw new ContentError('mismatch', `"${name}" has more than the ${expected.sizeBytes} bytes that were recorded.`)
}

/**
 * Compares an object with what was recorded of it.
 *
 * @throws {ContentError} With code `mismatch`.
 */
export function checkExpected(name: string, found: ExpectedContent, expected: ExpectedContent): void {
  if (expected.sizeBytes !== undefined && found.sizeBytes !== expected.sizeBytes) {
    throw new ContentError(
      'mismatch',
      `"${name}" has ${found.sizeBytes} bytes where ${expected.sizeBytes} were recorded: it was cut, changed or replaced.`,
    )
  }
  if (expected.sha256 !== undefined && found.sha256 !== expected.sha256.toLowerCase()) {
    throw new ContentError(
      'mismatch',
      `"${name}" has the SHA-256 ${found.sha256} where ${expected.sha256} was recorded: its bytes were changed.`,
    )
  }
}
