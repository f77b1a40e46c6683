import { createHash } from 'node:crypto'
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  ListPartsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { UploadRecorder } from '../object-store.ts'
import type { Omission } from '../omissions.ts'
import { type RetryOptions, undoRetry, withRetries } from '../retrying.ts'
import { StoreError } from '../store-error.ts'
import type { Sending } from '../store-options.ts'
import { BoundedTasks } from '../transfer/bounded-tasks.ts'
import { GracefulStop } from '../transfer/graceful-stop.ts'
import type { Part } from '../transfer/parts.ts'
import { headObject } from './head-object.ts'
import { abortEmptyUploads } from './incomplete-uploads.ts'
import type { S3Clients } from './s3-client.ts'
import { isNoSuchUpload, isRefusal, isUnsupported, statusOf, toS3StoreError } from './s3-error.ts'
import { sendTolerantly } from './send-tolerantly.ts'
import { sendPart, signBody } from './signed-body.ts'

const ABORT_ATTEMPTS = 5
/** For all requests of an abort together. What is left then is reported. */
const ABORT_TIMEOUT_MS = 30_000

/** What the store is asked to do with an object. */
export type ObjectProperties = Pick<
  CreateMultipartUploadCommandInput,
  'StorageClass' | 'ServerSideEncryption' | 'SSEKMSKeyId'
>

/** An object in S3, and how its parts are sent. */
export interface UploadTarget {
  clients: S3Clients
  object: { Bucket: string; Key: string }
  sending: Sending
  retry: RetryOptions
  /** Storage class and encryption of the object. */
  properties: ObjectProperties
  /** What the server does not support. */
  omissions: Set<Omission>
  /** Whether no object of this name may exist. */
  mustBeNew: boolean
  recorder: UploadRecorder | undefined
  /** For messages: `store "x" in s3://bucket`. */
  doing: string
  /** Cancels the upload. */
  signal: AbortSignal | undefined
}

/**
 * One multipart upload. The SDK's own `Upload` is not used: when cancelled, it returns before the parts are removed,
 * and it never removes them while its source delivers nothing.
 */
export class MultipartUpload {
  readonly #target: UploadTarget
  readonly #tasks = new BoundedTasks()
  readonly #parts: CompletedPart[] = []
  readonly #stop: GracefulStop
  #uploadId: string | undefined
  #sizeBytes = 0
  /** Whether the server was asked to complete the upload. */
  #mayBeComplete = false
  /** When an upload was begun whose id was lost; undefined: none was. */
  #lostOneSinceMs: number | undefined

  constructor(target: UploadTarget) {
    this.#target = target
    this.#stop = new GracefulStop(target.signal)
  }

  get #upload() {
    return { ...this.#target.object, UploadId: this.#uploadId }
  }

  /**
   * Uploads a part in the background, once fewer than the limit are in flight. Releases it in any case.
   *
   * @throws The error of an earlier part.
   */
  async add(part: Part): Promise<void> {
    const { sending } = this.#target
    let isStarted = false
    try {
      if (this.#uploadId === undefined) {
        this.#uploadId = await this.#begin()
        if (this.#uploadId !== undefined) await this.#target.recorder?.begun(this.#uploadId)
      }
      const completed: CompletedPart = { PartNumber: this.#parts.length + 1 }
      await this.#tasks.start(() => this.#send(completed, part).finally(part.release), sending.inFlight(part.sizeBytes))
      isStarted = true
      this.#parts.push(completed)
      this.#sizeBytes += part.sizeBytes
    } finally {
      if (!isStarted) await part.release()
    }
  }

  async #begin(): Promise<string | undefined> {
    const { clients, object, properties, retry, doing } = this.#target
    const beganAtMs = performance.now()
    const beginOnce = async () => {
      try {
        // Not cancellable: an upload that was created on the server without its id being known could only be found by
        // listing.
        return await clients.parts.send(new CreateMultipartUploadCommand({ ...object, ...properties }))
      } catch (error) {
        if (!isRefusal(error)) this.#lostOneSinceMs ??= beganAtMs
        throw toS3StoreError(error, doing)
      }
    }
    return (await withRetries(beginOnce, retry, this.#stop.stopped)).UploadId
  }

  /**
   * Removes the uploads of this object that were created on the server but whose id was lost. Without the right to list uploads they
   * cannot be found, and the upload does not fail for that.
   */
  async #removeLostOnes(abortSignal?: AbortSignal): Promise<void> {
    if (this.#lostOneSinceMs === undefined) return
    const { clients, object, doing } = this.#target
    const elapsedMs = performance.now() - this.#lostOneSinceMs
    try {
      await abortEmptyUploads(clients.calls, object, { besides: this.#uploadId, youngerThanMs: elapsedMs, abortSignal })
    } catch (error) {
      // A server that cannot list them cannot be asked for them.
      if (!isUnsupported(error) && toS3StoreError(error, doing).code !== 'denied') throw error
    }
    this.#lostOneSinceMs = undefined
  }

  async #send(completed: CompletedPart, part: Part): Promise<void> {
    const { clients, sending, retry, doing } = this.#target
    const { PartNumber } = completed
    const sendOnce = async () => {
      try {
        return await sendPart(part, clients.bodyRules, ({ sha256, md5: ContentMD5 }) => {
          const content = { Body: part.body(sending.bandwidth), ContentLength: part.sizeBytes, ContentMD5 }
          const command = new UploadPartCommand({ ...this.#upload, PartNumber, ...content })
          return clients.parts.send(signBody(command, sha256), { abortSignal: this.#stop.cutOff })
        })
      } catch (error) {
        throw toS3StoreError(error, doing)
      }
    }
    completed.ETag = (await withRetries(sendOnce, retry, this.#stop.stopped)).ETag
  }

  /**
   * Waits until all parts are uploaded.
   *
   * @throws The error of a part.
   */
  async settled(): Promise<void> {
    await this.#tasks.settled()
  }

  /** Completes the object and returns its ETag. All parts must be settled. Not retried. */
  async complete(): Promise<string | undefined> {
    await this.#removeLostOnes()
    const { clients, object, omissions, mustBeNew, doing } = this.#target
    // Ceph ignores the condition, so the name is looked up too. If an earlier attempt was lost, the object may be its own.
    const isTaken = mustBeNew && !this.#mayBeComplete && (await headObject(clients.calls, object)) !== undefined
    if (isTaken)
      throw new StoreError('exists', `Could not ${doing}: an object of this name is there, and may not be replaced.`)
    this.#mayBeComplete = true
    try {
      const optional = mustBeNew ? (['complete-if-none-match'] as const) : []
      return await sendTolerantly(omissions, optional, async (omitted) => {
        const condition = mustBeNew && !omitted.has('complete-if-none-match') ? { IfNoneMatch: '*' } : {}
        const input = { ...this.#upload, ...condition, MultipartUpload: { Parts: this.#parts } }
        return (await clients.calls.send(new CompleteMultipartUploadCommand(input))).ETag
      })
    } catch (error) {
      // If the answer of an earlier attempt was lost, the upload is complete and a retry finds its own object. Only an
      // ETag made of those of our parts, whose bytes the server has verified, proves that.
      const etag = this.expectedTag()
      if ((isRefusal(error) && statusOf(error) !== 412) || etag === undefined) throw error
      const found = await headObject(clients.calls, object).catch(() => undefined)
      if (found?.ETag?.replaceAll('"', '') !== etag || found.ContentLength !== this.#sizeBytes) throw error
      return found.ETag
    }
  }

  /** The ETag that the object will have if the server derives ETags from MD5, as those of the parts suggest. */
  expectedTag(): string | undefined {
    const hash = createHash('md5')
    for (const { ETag = '' } of this.#parts) {
      const md5 = /^"?([0-9a-f]{32})"?$/.exec(ETag)?.[1]
      if (md5 === undefined) return undefined
      hash.update(md5, 'hex')
    }
    return `${hash.digest('hex')}-${this.#parts.length}`
  }

  /**
   * Removes what was uploaded. Parts in flight finish first, since one that arrives after the removal would remain for
   * ever.
   */
  async abort(): Promise<void> {
    this.#stop.request()
    await this.#tasks.over()
    const signal = AbortSignal.timeout(ABORT_TIMEOUT_MS)
    await this.#abortKnown(signal)
    await this.#undo(() => this.#removeLostOnes(signal), signal)
  }

  async #abortKnown(signal: AbortSignal): Promise<void> {
    if (this.#uploadId === undefined) return
    for (let attempt = 1; attempt <= ABORT_ATTEMPTS; attempt++) {
      if (await this.#undo(() => this.#abortOnce(signal), signal)) return
    }
    const { object } = this.#target
    throw new StoreError('temporary', `Parts of the cancelled upload of "${object.Key}" could not be removed.`)
  }

  #undo<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const translated = () =>
      call().catch((error: unknown) => {
        throw toS3StoreError(error, this.#target.doing)
      })
    return withRetries(translated, undoRetry, signal)
  }

  async #abortOnce(abortSignal: AbortSignal): Promise<boolean> {
    const { calls } = this.#target.clients
    try {
      await calls.send(new AbortMultipartUploadCommand(this.#upload), { abortSignal })
      const left = await calls.send(new ListPartsCommand(this.#upload), { abortSignal })
      return (left.Parts ?? []).length === 0
    } catch (error) {
      if (isNoSuchUpload(error) || isUnsupported(error)) return true
      throw error
    }
  }
}
