import type { Readable } from 'node:stream'
import { omitUndefined } from '@osb-backup/node'
import type { z } from 'zod'
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
import { retryOf, withRetries } from '../retrying.ts'
import { callStore } from '../store-call.ts'
import { combineErrors, StoreError } from '../store-error.ts'
import {
  DEFAULT_CAPACITY_BYTES,
  DEFAULT_LIST_PAGE_SIZE,
  downloadOptionsOf,
  MEMORY_LIMIT_BYTES,
  type StoreOptions,
  uploadOptionsOf,
} from '../store-options.ts'
import { type ByteRange, type OpenedObject, openedObject, rangeHeader } from '../transfer/byte-range.ts'
import { type PartPlan, partPlan } from '../transfer/part-plan.ts'
import { download } from '../transfer/ranged-download.ts'
import { removeHidden, removeUpTo } from './object-versions.ts'
import { removeWithSegments } from './remove-with-segments.ts'
import { discard, listSchema, readJson } from './swift-answer.ts'
import { type SwiftAnswer, SwiftClient } from './swift-client.ts'
import { toSwiftStoreError, UnexpectedStatus } from './swift-error.ts'
import { readLimits, type SwiftLimits } from './swift-limits.ts'
import { isCephManifest, isTagged, listedObject, storedObjectOf, textOf } from './swift-object.ts'
import { locationOf, type SwiftSettings } from './swift-settings.ts'
import { SwiftUpload } from './swift-upload.ts'

const DEFAULT_SEGMENT_SIZE_BYTES = 16 * 1024 ** 2

/** A container of OpenStack Swift. Large content is cut into segments, which lie in `<container>_segments`. */
export class SwiftStore implements ObjectStore {
  readonly location: string
  readonly #client: SwiftClient
  readonly #container: string
  readonly #options: StoreOptions
  readonly #omissions: Set<Omission>
  readonly #deletesVersions: boolean
  #limits: Promise<SwiftLimits> | undefined

  constructor(settings: SwiftSettings, options: StoreOptions) {
    this.location = locationOf(settings)
    this.#omissions = omissionsOf(this.location)
    this.#client = new SwiftClient(settings, options)
    this.#container = settings.container
    this.#deletesVersions = settings.deleteVersions ?? false
    this.#options = options
  }

  async put(name: string, content: Readable, options: PutOptions = {}): Promise<StoredObject> {
    const doing = `store "${name}" in ${this.location}`
    let upload: SwiftUpload | undefined
    try {
      validateObjectName(name)
      const retry = retryOf(this.#options.retry)
      const readLimits = () => this.#call(doing, options, () => this.#readLimits())
      const limits = await withRetries(readLimits, retry, options.signal)
      const maximumSegments = Math.min(
        this.#options.maximumSegments ?? Number.POSITIVE_INFINITY,
        limits.maximumSegments,
      )
      const running = new SwiftUpload(
        {
          client: this.#client,
          container: this.#container,
          name,
          sending: uploadOptionsOf(this.#options),
          retry,
          mustBeNew: options.mustBeNew ?? false,
          recorder: options.recorder,
          doing,
          signal: options.signal,
        },
        this.#plan(limits.maximumSizeBytes, maximumSegments),
        maximumSegments,
      )
      upload = running
      const { sizeBytes, tag } = await consume(content, (chunks) => running.send(chunks), options.signal)
      return { name, sizeBytes, modifiedAt: new Date(), tag }
    } catch (error) {
      content.destroy()
      await upload?.undo().catch((cause: unknown) => {
        const undoing = `remove the remains of "${name}" in ${this.location} after a failure`
        throw combineErrors(error, toSwiftStoreError(cause, undoing))
      })
      throw error
    }
  }

  /** Manifests may name manifests, so segments need not be larger than memory holds. */
  #plan(maximumSizeBytes: number, maximumSegments: number): PartPlan {
    const { segmentSizeBytes: firstBytes = DEFAULT_SEGMENT_SIZE_BYTES, capacityBytes = DEFAULT_CAPACITY_BYTES } =
      this.#options
    const largestBytes = Math.min(Math.max(MEMORY_LIMIT_BYTES, firstBytes), maximumSizeBytes)
    return partPlan({ firstBytes, maximumParts: maximumSegments ** 2, largestBytes, capacityBytes })
  }

  async get(name: string, options: GetOptions = {}): Promise<Readable> {
    const doing = `read "${name}" from ${this.location}`
    return download({
      open: (range, tag, signal) => this.#open(name, doing, range, tag, signal),
      translate: (error) => toSwiftStoreError(error, doing),
      ...downloadOptionsOf(this.#options),
      range: options.range,
      signal: options.signal,
    })
  }

  async #open(
    name: string,
    doing: string,
    { from, end }: ByteRange,
    tag: string | undefined,
    signal: AbortSignal,
  ): Promise<OpenedObject> {
    const range = rangeHeader({ from, end })
    const condition = tag !== undefined && !this.#omissions.has('get-if-match') ? { 'if-match': tag } : {}
    // An empty object has no ranges.
    const accept = from > 0 ? [206] : end === undefined ? [200] : [200, 206, 416]
    const get = (headers: Record<string, string>, alsoAccepted: number[] = []) =>
      this.#send('GET', name, [...accept, ...alsoAccepted], doing, { signal }, { ...(range && { range }), ...headers })
    let answer = await get(condition, [412])
    if (answer.statusCode === 412) {
      // Ceph says so of any object with segments, also where the tag is the right one.
      await discard(answer.body)
      answer = await get({})
      if (isTagged(answer, tag)) this.#omissions.add('get-if-match')
    }
    if (tag !== undefined && !isTagged(answer, tag)) {
      answer.body.destroy()
      throw toSwiftStoreError(new UnexpectedStatus(412), doing)
    }
    if (answer.statusCode === 416) {
      await discard(answer.body)
      return this.#open(name, doing, { from: 0, end: undefined }, tag, signal)
    }
    const { 'content-length': length, 'content-range': sent, etag } = answer.headers
    return this.#call(doing, { signal }, async () =>
      openedObject(from, {
        body: answer.body,
        bodyBytes: length === undefined ? undefined : Number(length),
        contentRange: textOf(sent),
        tag: textOf(etag),
      }),
    )
  }

  async head(name: string, options: CallOptions = {}): Promise<StoredObject | undefined> {
    const doing = `look up "${name}" in ${this.location}`
    const answer = await this.#send('HEAD', name, [200, 404], doing, options)
    await discard(answer.body)
    if (answer.statusCode === 404) {
      await this.#requireContainer(doing, options)
      return undefined
    }
    return storedObjectOf(name, answer)
  }

  async credentialsExpireAt(options: CallOptions = {}): Promise<Date | undefined> {
    const doing = `read when the credentials of ${this.location} expire`
    return this.#call(doing, options, (signal) => this.#client.credentialsExpireAt(signal))
  }

  async *list(prefix: string, options: CallOptions = {}): AsyncGenerator<StoredObject> {
    const limit = this.#options.listPageSize ?? DEFAULT_LIST_PAGE_SIZE
    const markers = new Set([''])
    for (let marker = ''; ; ) {
      const page = await this.#page(prefix, marker, limit, options)
      if (page.length === 0) return
      for (const entry of page) {
        if ('subdir' in entry) continue
        marker = entry.name
        const listed = listedObject(entry)
        // One that was removed since is not listed.
        const found = isCephManifest(entry) ? await this.head(listed.name, options) : listed
        if (found !== undefined) yield { ...listed, sizeBytes: found.sizeBytes }
      }
      if (markers.has(marker)) throw this.#repeatedPage()
      markers.add(marker)
    }
  }

  async remove(name: string, options: CallOptions = {}): Promise<void> {
    const doing = `remove "${name}" from ${this.location}`
    await this.#call(doing, options, async (signal) => {
      validateObjectName(name)
      const result = await this.#remove(name, () => true, signal)
      if (result === 'absent') await this.#requireContainer(doing, options)
    })
  }

  /** Swift's DELETE has no conditions, so the object is compared in the answer that the removal begins with anyway. */
  async removeIfSame(object: StoredObject, options: CallOptions = {}): Promise<boolean> {
    const { name } = object
    const doing = `remove "${name}" from ${this.location}`
    return this.#call(doing, options, async (signal) => {
      validateObjectName(name)
      const isExpected = (head: SwiftAnswer) => isSameObject(storedObjectOf(name, head), object)
      const result = await this.#remove(name, isExpected, signal)
      if (result === 'absent') await this.#requireContainer(doing, options)
      return result !== 'unexpected'
    })
  }

  async #remove(
    name: string,
    isExpected: (head: SwiftAnswer) => boolean,
    signal: AbortSignal | undefined,
  ): Promise<'removed' | 'absent' | 'unexpected'> {
    const object = { client: this.#client, container: this.#container, name, signal }
    if (this.#deletesVersions) {
      const head = await this.#client.sendAndDump({ ...omitUndefined(object), method: 'HEAD', accept: [200, 404] })
      if (head.statusCode === 200 && !isExpected(head)) return 'unexpected'
      const removal = head.statusCode === 200 ? await removeUpTo(object, head) : await removeHidden(object, isExpected)
      if (removal === 'replaced') return 'unexpected'
      if (removal === 'removed') return head.statusCode === 200 ? 'removed' : 'absent'
    }
    return removeWithSegments(this.#client, this.#container, name, { signal, isExpected })
  }

  #send(
    method: 'GET' | 'HEAD',
    name: string,
    accept: number[],
    doing: string,
    options: CallOptions,
    headers: Record<string, string> = {},
  ): Promise<SwiftAnswer> {
    return this.#call(doing, options, async (signal) => {
      validateObjectName(name)
      return this.#client.send(omitUndefined({ method, container: this.#container, name, headers, accept, signal }))
    })
  }

  /** A 404 may also mean that the container is missing, which is an error where a missing object is none. */
  async #requireContainer(doing: string, options: CallOptions): Promise<void> {
    await this.#call(doing, options, (signal) =>
      this.#client.sendAndDump({
        method: 'HEAD',
        container: this.#container,
        accept: [200, 204],
        ...omitUndefined({ signal }),
      }),
    )
  }

  /** Otherwise a list would never end. */
  #repeatedPage(): StoreError {
    const message = `Could not list ${this.location}: it answers with the same page again and again.`
    return new StoreError('misconfigured', message)
  }

  async #page(
    prefix: string,
    marker: string,
    limit: number,
    options: CallOptions,
  ): Promise<z.infer<typeof listSchema>> {
    return this.#call(`list ${this.location}`, options, async (signal) => {
      const query = { format: 'json', prefix, marker, limit: String(limit) }
      const answer = await this.#client.send({
        method: 'GET',
        container: this.#container,
        query,
        accept: [200, 204],
        ...omitUndefined({ signal }),
      })
      if (answer.statusCode === 200) return readJson(answer.body, listSchema)
      await discard(answer.body)
      return []
    })
  }

  /** Asked once; a failure is not kept. */
  #readLimits(): Promise<SwiftLimits> {
    this.#limits ??= readLimits(this.#client).catch((error: unknown) => {
      this.#limits = undefined
      throw error
    })
    return this.#limits
  }

  #call<Result>(
    doing: string,
    { signal }: CallOptions,
    call: (signal: AbortSignal | undefined) => Promise<Result>,
  ): Promise<Result> {
    return callStore(call, (error) => toSwiftStoreError(error, doing), signal)
  }
}
