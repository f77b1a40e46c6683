import type { Readable } from 'node:stream'
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { omitUndefined } from '@osb-backup/node'
import { consume } from '../consume.ts'
import { validateObjectName } from '../object-name.ts'
import {
  type CallOptions,
  type GetOptions,
  isSameObject,
  type ObjectStore,
  type PutOptions,
  type StoredObject,
} from '../object-store.ts'
import { retryOf } from '../retrying.ts'
import { callStore } from '../store-call.ts'
import { combineErrors, StoreError } from '../store-error.ts'
import {
  DEFAULT_CAPACITY_BYTES,
  DEFAULT_LIST_PAGE_SIZE,
  downloadOptionsOf,
  type StoreOptions,
  uploadOptionsOf,
} from '../store-options.ts'
import { type ByteRange, type OpenedObject, openedObject, rangeHeader } from '../transfer/byte-range.ts'
import { type PartPlan, partPlan } from '../transfer/part-plan.ts'
import { download } from '../transfer/ranged-download.ts'
import { deleteObject } from './delete-object.ts'
import { headObject } from './head-object.ts'
import { ObjectUpload } from './object-upload.ts'
import { type S3Clients, s3Clients } from './s3-client.ts'
import { statusOf, toS3StoreError } from './s3-error.ts'
import { endpointOf, type S3Settings } from './s3-settings.ts'

const DEFAULT_PART_SIZE_BYTES = 5 * 1024 ** 2
const DEFAULT_MAXIMUM_PARTS = 10_000
/** The largest part that S3 accepts. */
const LARGEST_PART_BYTES = 5 * 1024 ** 3

/** A bucket, at AWS or at anything that speaks its protocol. Content larger than a part is uploaded in parts. */
export class S3Store implements ObjectStore {
  readonly location: string
  readonly #clients: S3Clients
  readonly #bucket: string
  readonly #options: StoreOptions

  constructor(settings: S3Settings, options: StoreOptions) {
    this.location = `s3://${settings.bucket} at ${endpointOf(settings)?.origin ?? 'AWS'}`
    this.#clients = s3Clients(settings, options)
    this.#bucket = settings.bucket
    this.#options = options
  }

  async put(name: string, content: Readable, options: PutOptions = {}): Promise<StoredObject> {
    const { signal } = options
    const doing = `store "${name}" in ${this.location}`
    const target = {
      clients: this.#clients,
      object: { Bucket: this.#bucket, Key: name },
      sending: uploadOptionsOf(this.#options),
      retry: retryOf(this.#options.retry),
      mustBeNew: options.mustBeNew ?? false,
      doing,
      signal,
    }
    const { maximumParts = DEFAULT_MAXIMUM_PARTS } = this.#options
    const upload = new ObjectUpload(target, this.#plan(), maximumParts)
    try {
      validateObjectName(name)
      const { sizeBytes, tag } = await consume(content, (chunks) => upload.send(chunks), signal)
      return { name, sizeBytes, modifiedAt: new Date(), ...tagOf(tag) }
    } catch (error) {
      content.destroy()
      await upload.undo().catch((cause: unknown) => {
        const undoing = toS3StoreError(cause, `remove the remains of "${name}" in ${this.location} after a failure`)
        throw combineErrors(error, undoing)
      })
      throw error
    }
  }

  #plan(): PartPlan {
    const {
      partSizeBytes: firstBytes = DEFAULT_PART_SIZE_BYTES,
      maximumParts = DEFAULT_MAXIMUM_PARTS,
      capacityBytes = DEFAULT_CAPACITY_BYTES,
    } = this.#options
    return partPlan({ firstBytes, maximumParts, largestBytes: LARGEST_PART_BYTES, capacityBytes })
  }

  async get(name: string, options: GetOptions = {}): Promise<Readable> {
    const { signal } = options
    const doing = `read "${name}" from ${this.location}`
    return this.#call(doing, options, async () => {
      validateObjectName(name)
      return download({
        open: (range, tag, abortSignal) => this.#open(name, doing, range, tag, abortSignal),
        translate: (error) => toS3StoreError(error, doing),
        ...downloadOptionsOf(this.#options),
        range: options.range,
        signal,
      })
    })
  }

  #open(
    name: string,
    doing: string,
    { from, end }: ByteRange,
    IfMatch: string | undefined,
    signal: AbortSignal,
  ): Promise<OpenedObject> {
    return this.#call(doing, { signal }, async (abortSignal) => {
      const object = { Bucket: this.#bucket, Key: name }
      const Range = rangeHeader({ from, end })
      const command = new GetObjectCommand({ ...object, Range, IfMatch })
      const answer = await this.#clients.reader
        .send(command, omitUndefined({ abortSignal }))
        .catch((error: unknown) => {
          // An empty object has no ranges.
          if (from > 0 || end === undefined || statusOf(error) !== 416) throw error
          return this.#clients.reader.send(new GetObjectCommand(object), omitUndefined({ abortSignal }))
        })
      const { ContentLength: bodyBytes, ContentRange: contentRange, ETag: tag } = answer
      return openedObject(from, { body: answer.Body as Readable, bodyBytes, contentRange, tag })
    })
  }

  async head(name: string, options: CallOptions = {}): Promise<StoredObject | undefined> {
    return this.#call(`look up "${name}" in ${this.location}`, options, async (abortSignal) => {
      validateObjectName(name)
      const found = await headObject(this.#clients.calls, { Bucket: this.#bucket, Key: name }, abortSignal)
      if (!found) return undefined
      const { ContentLength = 0, LastModified = new Date(0), ETag, ageMs } = found
      return { name, sizeBytes: ContentLength, modifiedAt: LastModified, ...tagOf(ETag), ...omitUndefined({ ageMs }) }
    })
  }

  async *list(prefix: string, options: CallOptions = {}): AsyncGenerator<StoredObject> {
    let ContinuationToken: string | undefined
    do {
      const page = await this.#call(`list ${this.location}`, options, (abortSignal) => {
        const MaxKeys = this.#options.listPageSize ?? DEFAULT_LIST_PAGE_SIZE
        const input = { Bucket: this.#bucket, Prefix: prefix, MaxKeys, ContinuationToken }
        return this.#clients.calls.send(new ListObjectsV2Command(input), omitUndefined({ abortSignal }))
      })
      for (const { Key, Size, LastModified } of page.Contents ?? []) {
        if (Key !== undefined) yield { name: Key, sizeBytes: Size ?? 0, modifiedAt: LastModified ?? new Date(0) }
      }
      const next = page.IsTruncated ? page.NextContinuationToken : undefined
      if (next !== undefined && next === ContinuationToken) throw repeatedPage(this.location)
      ContinuationToken = next
    } while (ContinuationToken !== undefined)
  }

  async remove(name: string, options: CallOptions = {}): Promise<void> {
    await this.#call(`remove "${name}" from ${this.location}`, options, async (abortSignal) => {
      validateObjectName(name)
      await deleteObject(this.#clients.calls, { Bucket: this.#bucket, Key: name }, abortSignal)
    })
  }

  async removeIfSame(object: StoredObject, options: CallOptions = {}): Promise<boolean> {
    const { tag } = object
    const wasRemoved = await this.#removeIfSame(object, tag && `"${tag}"`, options)
    // Swift's S3 rejects the right tag of an object of several parts: then the comparison has to be enough.
    return wasRemoved ?? (await this.#removeIfSame(object, undefined, options)) ?? false
  }

  /** Compares an object and removes it. Returns undefined if it is the same, but the server rejected the condition. */
  async #removeIfSame(
    object: StoredObject,
    IfMatch: string | undefined,
    options: CallOptions,
  ): Promise<boolean | undefined> {
    const { name } = object
    const found = await this.head(name, options)
    if (found === undefined) return true
    if (!isSameObject(found, object)) return false
    const isRemoved = await this.#call(`remove "${name}" from ${this.location}`, options, (abortSignal) =>
      deleteObject(this.#clients.parts, omitUndefined({ Bucket: this.#bucket, Key: name, IfMatch }), abortSignal),
    )
    return isRemoved ? true : undefined
  }

  #call<Result>(
    doing: string,
    { signal }: CallOptions,
    call: (signal: AbortSignal | undefined) => Promise<Result>,
  ): Promise<Result> {
    return callStore(call, (error) => toS3StoreError(error, doing), signal)
  }
}

/** Otherwise a list would never end. */
function repeatedPage(location: string): StoreError {
  return new StoreError('misconfigured', `Could not list ${location}: it answers with the same page again and again.`)
}

/** An ETag without the quotes that it has in some answers. One that Ceph leaves empty is none. */
function tagOf(etag: string | undefined): { tag?: string } {
  const tag = etag?.replaceAll('"', '')
  return tag ? { tag } : {}
}
