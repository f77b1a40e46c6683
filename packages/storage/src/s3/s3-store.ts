import type { Readable } from 'node:stream'
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3'
import { consume } from '../consume.ts'
import { validateObjectName } from '../object-name.ts'
import type { CallOptions, ObjectStore, StoredObject } from '../object-store.ts'
import { relay } from '../relay.ts'
import { alsoFailed } from '../store-error.ts'
import { defaultIdleTimeoutMs, defaultListPageSize, type StoreOptions } from '../store-options.ts'
import type { S3Settings } from '../store-settings.ts'
import { headObject, isMissingObject } from './head-object.ts'
import { ObjectUpload } from './object-upload.ts'
import { endpointOf, s3Client, s3Reader } from './s3-client.ts'
import { toS3StoreError } from './s3-error.ts'

/** A bucket, at AWS or at anything that speaks its protocol. Content larger than a part is uploaded in parts. */
export class S3Store implements ObjectStore {
  readonly location: string
  readonly #client: S3Client
  readonly #reader: S3Client
  readonly #bucket: string
  readonly #options: StoreOptions

  constructor(settings: S3Settings, options: StoreOptions) {
    this.location = `s3://${settings.bucket} at ${endpointOf(settings)?.origin ?? 'AWS'}`
    this.#client = s3Client(settings, options)
    this.#reader = s3Reader(settings, options)
    this.#bucket = settings.bucket
    this.#options = options
  }

  async put(name: string, content: Readable, options: CallOptions = {}): Promise<StoredObject> {
    const { signal } = options
    const upload = new ObjectUpload(this.#client, { Bucket: this.#bucket, Key: name }, this.#options)
    const doing = `store "${name}" in ${this.location}`
    try {
      validateObjectName(name)
      const sizeBytes = await consume(content, (chunks) => upload.send(chunks, doing), signal)
      return { name, sizeBytes, modifiedAt: new Date() }
    } catch (error) {
      content.destroy()
      await upload.undo().catch((cause: unknown) => {
        const undoing = toS3StoreError(cause, `remove what was left of "${name}" in ${this.location} after a failure`)
        throw alsoFailed(error, undoing)
      })
      throw error
    }
  }

  async get(name: string, options: CallOptions = {}): Promise<Readable> {
    const doing = `read "${name}" from ${this.location}`
    return this.#call(doing, options, async (abortSignal) => {
      validateObjectName(name)
      const answer = await this.#reader.send(new GetObjectCommand({ Bucket: this.#bucket, Key: name }), { abortSignal })
      return relay(answer.Body as Readable, {
        translate: (error) => toS3StoreError(error, doing),
        idleTimeoutMs: this.#options.idleTimeoutMs ?? defaultIdleTimeoutMs,
        signal: options.signal,
      })
    })
  }

  async head(name: string, options: CallOptions = {}): Promise<StoredObject | undefined> {
    return this.#call(`look up "${name}" in ${this.location}`, options, async (abortSignal) => {
      validateObjectName(name)
      const found = await headObject(this.#client, { Bucket: this.#bucket, Key: name }, abortSignal)
      return found && { name, sizeBytes: found.ContentLength ?? 0, modifiedAt: found.LastModified ?? new Date(0) }
    })
  }

  async *list(prefix: string, options: CallOptions = {}): AsyncGenerator<StoredObject> {
    let ContinuationToken: string | undefined
    do {
      const page = await this.#call(`list ${this.location}`, options, (abortSignal) => {
        const MaxKeys = this.#options.listPageSize ?? defaultListPageSize
        const input = { Bucket: this.#bucket, Prefix: prefix, MaxKeys, ContinuationToken }
        return this.#client.send(new ListObjectsV2Command(input), { abortSignal })
      })
      for (const { Key, Size, LastModified } of page.Contents ?? []) {
        if (Key !== undefined) yield { name: Key, sizeBytes: Size ?? 0, modifiedAt: LastModified ?? new Date(0) }
      }
      ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined
    } while (ContinuationToken !== undefined)
  }

  async remove(name: string, options: CallOptions = {}): Promise<void> {
    await this.#call(`remove "${name}" from ${this.location}`, options, async (abortSignal) => {
      validateObjectName(name)
      // One by one: DeleteObjects needs a Content-MD5 that the SDK no longer sends to servers which ask for it.
      await this.#client
        .send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: name }), { abortSignal })
        .catch((error: unknown) => {
          if (!isMissingObject(error)) throw error
        })
    })
  }

  /** Makes every failure a `StoreError`, save that the signal's reason comes through. */
  async #call<Result>(
    doing: string,
    { signal }: CallOptions,
    call: (signal: AbortSignal | undefined) => Promise<Result>,
  ): Promise<Result> {
    signal?.throwIfAborted()
    try {
      return await call(signal)
    } catch (error) {
      signal?.throwIfAborted()
      throw toS3StoreError(error, doing)
    }
  }
}
