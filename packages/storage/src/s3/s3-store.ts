import type { Readable } from 'node:stream'
import { GetObjectCommand, type GetObjectCommandInput } from '@aws-sdk/client-s3'
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
import { type Omission, omissionsOf } from '../omissions.ts'
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
import { listPages, sendList } from './list-objects.ts'
import type { ObjectProperties } from './multipart-upload.ts'
import { ObjectUpload } from './object-upload.ts'
import { deleteHidden, deleteUpTo, deleteVersions, type VersionsRemoval } from './object-versions.ts'
import { type S3Clients, s3Clients } from './s3-client.ts'
import { mayRefuseHeader, statusOf, toS3StoreError } from './s3-error.ts'
import { locationOf, type S3Settings } from './s3-settings.ts'

const DEFAULT_PART_SIZE_BYTES = 5 * 1024 ** 2
const DEFAULT_MAXIMUM_PARTS = 10_000
/** The largest part that S3 accepts. */
const LARGEST_PART_BYTES = 5 * 1024 ** 3

type FoundVersion = StoredObject & { versionId: string | undefined }

/** A bucket, at AWS or at anything that speaks its protocol. Content larger than a part is uploaded in parts. */
export class S3Store implements ObjectStore {
  readonly location: string
  readonly #clients: S3Clients
  readonly #bucket: string
  readonly #options: StoreOptions
  readonly #omissions: Set<Omission>
  readonly #properties: ObjectProperties
  readonly #deletesVersions: boolean

  constructor(settings: S3Settings, options: StoreOptions) {
    this.location = locationOf(settings)
    this.#clients = s3Clients(settings, options)
    this.#bucket = settings.bucket
    this.#omissions = omissionsOf(this.location)
    this.#properties = propertiesOf(settings)
    this.#deletesVersions = settings.deleteVersions ?? false
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
      properties: this.#properties,
      omissions: this.#omissions,
      mustBeNew: options.mustBeNew ?? false,
      recorder: options.recorder,
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
      const get = async (input: Pick<GetObjectCommandInput, 'Range' | 'IfMatch'>) =>
        this.#clients.reader.send(new GetObjectCommand({ ...object, ...input }), omitUndefined({ abortSignal }))
      const condition = this.#omissions.has('get-if-match') ? undefined : IfMatch
      const answer = await get({ Range, IfMatch: condition }).catch(async (error: unknown) => {
        // An empty object has no ranges.
        if (from === 0 && end !== undefined && statusOf(error) === 416) return get({})
        const isDoubtful = condition !== undefined && (statusOf(error) === 412 || mayRefuseHeader(error))
        if (!isDoubtful) throw error
        // Servers refuse the condition, or get it wrong for objects of several parts.
        const found = await get({ Range })
        if (bareTag(found.ETag) === bareTag(condition)) this.#omissions.add('get-if-match')
        return found
      })
      if (IfMatch !== undefined && answer.ETag !== undefined && bareTag(answer.ETag) !== bareTag(IfMatch)) {
        ;(answer.Body as Readable).destroy()
        throw new StoreError('replaced', `Could not ${doing}: it was replaced by another object in the meantime.`)
      }
      const { ContentLength: bodyBytes, ContentRange: contentRange, ETag: tag } = answer
      return openedObject(from, { body: answer.Body as Readable, bodyBytes, contentRange, tag })
    })
  }

  async head(name: string, options: CallOptions = {}): Promise<StoredObject | undefined> {
    const found = await this.#head(name, options)
    if (found === undefined) return undefined
    const { versionId, ...object } = found
    return object
  }

  async #head(name: string, options: CallOptions): Promise<FoundVersion | undefined> {
    return this.#call(`look up "${name}" in ${this.location}`, options, async (abortSignal) => {
      validateObjectName(name)
      const found = await headObject(this.#clients.calls, { Bucket: this.#bucket, Key: name }, abortSignal)
      if (!found) return undefined
      const { ContentLength: sizeBytes = 0, LastModified: modifiedAt = new Date(0), VersionId: versionId } = found
      const { ETag, ageMs } = found
      return { name, sizeBytes, modifiedAt, versionId, ...tagOf(ETag), ...omitUndefined({ ageMs }) }
    })
  }

  async *list(prefix: string, options: CallOptions = {}): AsyncGenerator<StoredObject> {
    const pages = listPages(prefix, this.#options.listPageSize ?? DEFAULT_LIST_PAGE_SIZE, (input) =>
      this.#call(`list ${this.location}`, options, (abortSignal) =>
        sendList(this.#clients.calls, { ...input, Bucket: this.#bucket }, abortSignal),
      ),
    )
    for await (const { Key, Size, LastModified } of pages) {
      if (Key === undefined) continue
      // Without its time an object could be taken for an old one.
      if (LastModified !== undefined) yield { name: Key, sizeBytes: Size ?? 0, modifiedAt: LastModified }
      else {
        const found = await this.head(Key, options)
        if (found !== undefined) yield found
      }
    }
  }

  async remove(name: string, options: CallOptions = {}): Promise<void> {
    await this.#call(`remove "${name}" from ${this.location}`, options, async (abortSignal) => {
      validateObjectName(name)
      const object = { Bucket: this.#bucket, Key: name }
      if (this.#deletesVersions && (await deleteVersions(this.#clients.calls, object, abortSignal))) return
      await deleteObject(this.#clients.calls, object, this.#deletion(abortSignal))
    })
  }

  async removeIfSame(object: StoredObject, options: CallOptions = {}): Promise<boolean> {
    const { tag } = object
    const canCompare = tag !== undefined && !this.#omissions.has('delete-if-match')
    const wasRemoved = await this.#removeIfSame(object, canCompare ? `"${tag}"` : undefined, options)
    // Swift's S3 rejects the right tag of an object of several parts: then the comparison has to be enough.
    return wasRemoved ?? (await this.#removeIfSame(object, undefined, options)) ?? false
  }

  /** Compares an object and removes it. Returns undefined if it is the same, but the server rejected the condition. */
  async #removeIfSame(
    object: StoredObject,
    IfMatch: string | undefined,
    options: CallOptions,
  ): Promise<boolean | undefined> {
    const { name, tag } = object
    const found = await this.#head(name, options)
    if (found !== undefined && !isSameObject(found, object)) return false
    if (this.#deletesVersions) {
      const removal = await this.#removeVersions(object, found, options)
      if (removal !== 'unversioned') return removal === 'removed'
    }
    if (found === undefined) return true
    const isRemoved = await this.#call(`remove "${name}" from ${this.location}`, options, (abortSignal) =>
      deleteObject(
        this.#clients.parts,
        omitUndefined({ Bucket: this.#bucket, Key: name, IfMatch }),
        this.#deletion(abortSignal),
      ),
    )
    if (isRemoved && IfMatch === undefined && tag !== undefined) this.#omissions.add('delete-if-match')
    return isRemoved ? true : undefined
  }

  /** A delete marker does not delete: what it hides of an object is looked for too. */
  #removeVersions(
    object: StoredObject,
    found: FoundVersion | undefined,
    options: CallOptions,
  ): Promise<VersionsRemoval> {
    const key = { Bucket: this.#bucket, Key: object.name }
    const { calls } = this.#clients
    return this.#call(`remove "${object.name}" from ${this.location}`, options, (abortSignal) =>
      found === undefined ? deleteHidden(calls, key, object, abortSignal) : deleteUpTo(calls, key, found, abortSignal),
    )
  }

  #deletion(signal: AbortSignal | undefined) {
    return { omissions: this.#omissions, signal }
  }

  #call<Result>(
    doing: string,
    { signal }: CallOptions,
    call: (signal: AbortSignal | undefined) => Promise<Result>,
  ): Promise<Result> {
    return callStore(call, (error) => toS3StoreError(error, doing), signal)
  }
}

/** An ETag without the quotes that it has in some answers. */
function bareTag(etag: string | undefined): string {
  return etag?.replaceAll('"', '') ?? ''
}

/** The tag of an object. An ETag that Ceph leaves empty is none. */
function tagOf(etag: string | undefined): { tag?: string } {
  const tag = bareTag(etag)
  return tag ? { tag } : {}
}

function propertiesOf({ storageClass, serverSideEncryption, kmsKeyId }: S3Settings): ObjectProperties {
  return omitUndefined({
    StorageClass: (storageClass || undefined) as ObjectProperties['StorageClass'],
    ServerSideEncryption: serverSideEncryption || undefined,
    SSEKMSKeyId: kmsKeyId || undefined,
  })
}
