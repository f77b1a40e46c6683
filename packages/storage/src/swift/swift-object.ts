import type { StoredObject } from '../object-store.ts'
import { StoreError } from '../store-error.ts'
import type { ListEntry } from './swift-answer.ts'
import type { SwiftAnswer } from './swift-client.ts'

/** Whether an answer is about the object with a tag. An answer to a request for no certain object always is. */
export function isTagged({ headers }: SwiftAnswer, tag: string | undefined): boolean {
  const bare = (text: unknown) => String(text).replaceAll('"', '')
  return tag === undefined || headers.etag === undefined || bare(headers.etag) === bare(tag)
}

const MD5_OF_NOTHING = 'd41d8cd98f00b204e9800998ecf8427e'

/** Ceph lists the size of a manifest itself, and as the object's hash that of no bytes. */
export function isCephManifest({ bytes, hash }: ListEntry): boolean {
  return bytes > 0 && hash === MD5_OF_NOTHING
}

/** An object as a list has it. Times are in UTC; Swift does not say so, and Ceph does. */
export function listedObject({ name, bytes, last_modified }: ListEntry): StoredObject {
  const modifiedAt = new Date(/(Z|[+-]\d\d:?\d\d)$/i.test(last_modified) ? last_modified : `${last_modified}Z`)
  if (Number.isNaN(modifiedAt.getTime())) {
    throw new StoreError('misconfigured', `The list has the time ${JSON.stringify(last_modified)} for "${name}".`)
  }
  return { name, sizeBytes: bytes, modifiedAt }
}

/** The object that an answer to HEAD describes. `ageMs` is by the store's own clock. */
export function storedObjectOf(name: string, { headers }: SwiftAnswer): StoredObject {
  const { 'content-length': length, 'last-modified': modified, date, etag } = headers
  const tag = typeof etag === 'string' ? { tag: etag.replaceAll('"', '') } : {}
  const modifiedAt = new Date(String(modified))
  const ageMs = Date.parse(String(date)) - modifiedAt.getTime()
  return { name, sizeBytes: Number(length), modifiedAt, ...tag, ...(Number.isNaN(ageMs) ? {} : { ageMs }) }
}

/** A header that may be there once. */
export function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined
}
