import type { Readable } from 'node:stream'
import { StoreError } from '../store-error.ts'

/** A range of bytes: `end` is exclusive; undefined: up to the end of the object. */
export interface ByteRange {
  from: number
  end: number | undefined
}

/** The body of an object or range that a store has started to send. */
export interface OpenedObject {
  body: Readable
  /** The length of the body; undefined if the store does not say. */
  bodyBytes: number | undefined
  /**
   * The length of the whole object; undefined if the store does not say, or sends all of it although a range was
   * requested.
   */
  objectBytes: number | undefined
  /** Identifies this content, so that it can be requested again; undefined if the store has none. */
  tag: string | undefined
}

/** The value of the `Range` header; undefined for the whole object. */
export function rangeHeader({ from, end }: ByteRange): string | undefined {
  return from === 0 && end === undefined ? undefined : `bytes=${from}-${end === undefined ? '' : end - 1}`
}

/** A server's answer with bytes of an object. */
export interface RangeAnswer {
  body: Readable
  /** `Content-Length`. */
  bodyBytes: number | undefined
  /** `Content-Range`; undefined if the server sends the whole object. */
  contentRange: string | undefined
  /** `ETag`. */
  tag: string | undefined
}

/**
 * Interprets a server's answer.
 *
 * @param from - The first byte that was requested.
 * @throws {StoreError} With code `misconfigured` if the answer begins at another byte; the body is destroyed.
 */
export function openedObject(from: number, { body, bodyBytes, contentRange, tag }: RangeAnswer): OpenedObject {
  const [, sentFrom = '0', objectBytes] = /^bytes (\d+)-\d+\/(\d+)$/.exec(contentRange ?? '') ?? []
  if (Number(sentFrom) !== from) {
    body.destroy()
    throw new StoreError('misconfigured', `The server sent bytes from ${sentFrom} on although ${from} was requested.`)
  }
  return { body, bodyBytes, objectBytes: objectBytes === undefined ? undefined : Number(objectBytes), tag }
}
