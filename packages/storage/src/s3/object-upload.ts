import { DeleteObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import type { StoreOptions } from '../store-options.ts'
import { cut } from './cut.ts'
import { headObject } from './head-object.ts'
import { MultipartUpload } from './multipart-upload.ts'
import { partSizeOf } from './part-size.ts'
import { isRefusal, toS3StoreError } from './s3-error.ts'

const defaultPartSizeBytes = 8 * 1024 * 1024
const defaultPartsInFlight = 4
/** How far a server's clock may be from ours. */
const clockSkewMs = 15 * 60_000
const undoTimeoutMs = 60_000

/** One object on its way into a bucket: a single request if it fits into a part, else a multipart upload. */
export class ObjectUpload {
  readonly #client: S3Client
  readonly #object: { Bucket: string; Key: string }
  readonly #options: StoreOptions
  readonly #parts: MultipartUpload
  /** Set once S3 may have made the object, whether or not its answer reached us. */
  #committed: { sizeBytes: number; at: number } | undefined

  constructor(client: S3Client, object: { Bucket: string; Key: string }, options: StoreOptions) {
    this.#client = client
    this.#object = object
    this.#options = options
    this.#parts = new MultipartUpload(client, object)
  }

  /**
   * Uploads content and returns its size. The requests are not broken off one by one, since what a broken-off
   * request did could not be known; `chunks` fails when the caller's signal fires.
   *
   * @throws {StoreError} If S3 failed; what `chunks` throws comes through as it is.
   */
  async send(chunks: AsyncIterable<Buffer>, doing: string): Promise<number> {
    const first = this.#options.partSizeBytes ?? defaultPartSizeBytes
    const inFlight = this.#options.partsInFlight ?? defaultPartsInFlight
    const translated = <T>(promise: Promise<T>) =>
      promise.catch((error: unknown) => {
        throw toS3StoreError(error, doing)
      })
    let held: Buffer | undefined
    let isMultipart = false
    let sizeBytes = 0
    for await (const piece of cut(chunks, (number) => partSizeOf(number, first))) {
      if (held) {
        isMultipart = true
        await translated(this.#parts.add(held, inFlight))
      }
      held = piece
      sizeBytes += piece.length
    }
    if (!isMultipart) {
      await translated(this.#commit(sizeBytes, () => this.#putWhole(held ?? Buffer.alloc(0))))
      return sizeBytes
    }
    if (held) await translated(this.#parts.add(held, inFlight))
    await translated(this.#parts.settled())
    await translated(this.#commit(sizeBytes, () => this.#parts.complete()))
    return sizeBytes
  }

  async #commit(sizeBytes: number, call: () => Promise<void>): Promise<void> {
    this.#committed = { sizeBytes, at: Date.now() }
    try {
      await call()
    } catch (error) {
      if (isRefusal(error)) this.#committed = undefined
      throw error
    }
  }

  async #putWhole(body: Buffer): Promise<void> {
    await this.#client.send(new PutObjectCommand({ ...this.#object, Body: body }))
  }

  /** Removes parts, and the object if it came to be. One that lay there before under the name stays. */
  async undo(): Promise<void> {
    await this.#parts.abort()
    if (!this.#committed) return
    const { sizeBytes, at } = this.#committed
    const abortSignal = AbortSignal.timeout(undoTimeoutMs)
    const found = await headObject(this.#client, this.#object, abortSignal)
    const isOurs = found?.ContentLength === sizeBytes && (found.LastModified?.getTime() ?? 0) >= at - clockSkewMs
    if (isOurs) await this.#client.send(new DeleteObjectCommand(this.#object), { abortSignal })
  }
}
