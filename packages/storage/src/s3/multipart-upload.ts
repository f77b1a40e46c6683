import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { StoreError } from '../store-error.ts'
import { maximumParts } from './part-size.ts'
import { isNoSuchUpload } from './s3-error.ts'

const abortAttempts = 5
/** How long parts on their way may still take after a failure, before they are cut off. */
const settleMs = 10_000
const abortTimeoutMs = 60_000

/**
 * One multipart upload. The SDK's own `Upload` is not used: broken off, it returns before the parts are removed, and
 * it never removes them while its source is silent.
 */
export class MultipartUpload {
  readonly #client: S3Client
  readonly #object: { Bucket: string; Key: string }
  readonly #inFlight = new Set<Promise<void>>()
  readonly #parts: CompletedPart[] = []
  readonly #cutOff = new AbortController()
  #failure: { error: unknown } | undefined
  #uploadId: string | undefined

  constructor(client: S3Client, object: { Bucket: string; Key: string }) {
    this.#client = client
    this.#object = object
  }

  get #upload() {
    return { ...this.#object, UploadId: this.#uploadId }
  }

  /**
   * Sends a part in the background, after waiting until fewer than `limit` are on their way.
   *
   * @throws What an earlier part failed with.
   */
  async add(body: Buffer, limit: number): Promise<void> {
    this.#uploadId ??= await this.#begin()
    while (this.#inFlight.size >= limit) await Promise.race(this.#inFlight)
    this.#throwFailure()
    const number = this.#parts.length + 1
    if (number > maximumParts) {
      throw new StoreError('full', `The object is larger than ${maximumParts} parts hold; set a larger part size.`)
    }
    const part: CompletedPart = { PartNumber: number }
    this.#parts.push(part)
    const sending = this.#send(part, body).finally(() => this.#inFlight.delete(sending))
    this.#inFlight.add(sending)
  }

  async #begin(): Promise<string | undefined> {
    // Not broken off: an upload that began on the server, its id not yet known, could never be removed.
    const { UploadId } = await this.#client.send(new CreateMultipartUploadCommand(this.#object))
    return UploadId
  }

  /** Never rejects: the failure is kept for the next call. */
  async #send(part: CompletedPart, body: Buffer): Promise<void> {
    try {
      const command = new UploadPartCommand({ ...this.#upload, PartNumber: part.PartNumber, Body: body })
      part.ETag = (await this.#client.send(command, { abortSignal: this.#cutOff.signal })).ETag
    } catch (error) {
      this.#failure ??= { error }
    }
  }

  /**
   * Waits until all parts are uploaded.
   *
   * @throws What a part failed with.
   */
  async settled(): Promise<void> {
    await Promise.all(this.#inFlight)
    this.#throwFailure()
  }

  /** Makes the parts an object; to be called when they are settled. */
  async complete(): Promise<void> {
    await this.#client.send(
      new CompleteMultipartUploadCommand({ ...this.#upload, MultipartUpload: { Parts: this.#parts } }),
    )
  }

  /**
   * Removes what was uploaded. Parts on their way are let finish first, since one that arrives after the removal
   * would stay for ever.
   */
  async abort(): Promise<void> {
    if (this.#uploadId === undefined) return
    const timer = setTimeout(() => this.#cutOff.abort(), settleMs)
    await Promise.all(this.#inFlight)
    clearTimeout(timer)
    for (let attempt = 1; attempt <= abortAttempts; attempt++) {
      const isGone = await this.#abortOnce()
      if (isGone) return
    }
    throw new StoreError('temporary', `Parts of the broken-off upload of "${this.#object.Key}" could not be removed.`)
  }

  async #abortOnce(): Promise<boolean> {
    const options = { abortSignal: AbortSignal.timeout(abortTimeoutMs) }
    try {
      await this.#client.send(new AbortMultipartUploadCommand(this.#upload), options)
      const left = await this.#client.send(new ListPartsCommand(this.#upload), options)
      return (left.Parts ?? []).length === 0
    } catch (error) {
      if (isNoSuchUpload(error)) return true
      throw error
    }
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error
  }
}
