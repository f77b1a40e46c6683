import type { Readable } from 'node:stream'
import { StoreError } from '../store-error.ts'

/** Bytes of an object: from one on and up to another, which is not among them; undefined: up to the end. */
export interface ByteRange {
  from: number
  end: number | undefined
}

/** Bytes of an object that a store began to send. */
export interface OpenedObject {
  body: Readable
  /** The length of what is sent; undefined where the store does not say. */
  bodyBytes: number | undefined
  /** The length of the whole object; undefined where the store does not say, or sends all of it though it was asked for a part. */
  objectBytes: number | undefined
  /** Names this very content, so that it can be asked for again; undefined where the store gives none. */
  tag: string | undefined
}

/** The range as the header `Range` has it; undefined for the whole object. */
export function rangeHeader({ from, end }: ByteRange): string | undefined {
  return from === 0 && end === undefined ? undefined : `bytes=${from}-${end === undefined ? '' : end - 1}`
}

/** A server's answer with bytes of an object. */
export interface RangeAnswer {
  body: Readable
  /** `Content-Length`. */
  bodyBytes: number | undefined
  /** `Content-Range`; undefined where the server sends the whole object. */
  contentRange: string | undefined
  /** `ETag`. */
  tag: string | undefined
}

/**
 * What a server's answer brings.
 *
 * @param from - The byte that was asked for.
 * @throws {StoreError} With code `misconfigured` if the answer begins at another byte; the body is destroyed.
 */
export function openedObject(from: number, { body, bodyBytes, contentRange, tag }: RangeAnswer): OpenedObject {
  const [, sentFrom = '0', objectBytes] = /^bytes (\d+)-\d+\/(\d+)$/.exec(contentRange ?? '') ?? []
  if (Number(sentFrom) !== from) {
    body.destroy()
    throw new StoreError('misconfigured', `The server sent byte ${sentFrom} on where it was asked for byte ${from}.`)
  }
  return { body, bodyBytes, objectBytes: objectBytes === undefined ? undefined : Number(objectBytes), tag }
}
