import { PutObjectCommand } from '@aws-sdk/client-s3'
import { omitUndefined } from '@osb-backup/node'
import type { Omission } from '../omissions.ts'
import { undoRetry, withRetries } from '../retrying.ts'
import { StoreError } from '../store-error.ts'
import type { PartPlan } from '../transfer/part-plan.ts'
import { type Part, splitIntoParts } from '../transfer/parts.ts'
import { deleteFound } from './delete-object.ts'
import { type FoundObject, headObject } from './head-object.ts'
import { MultipartUpload, type UploadTarget } from './multipart-upload.ts'
import { isBrokenConnection, isRefusal, statusOf, toS3UploadError } from './s3-error.ts'
import { sendTolerantly } from './send-tolerantly.ts'
import { sendPart, signBody } from './signed-body.ts'

const UNDO_TIMEOUT_MS = 30_000
/** Times of servers are whole seconds, and those of a cluster differ a little. */
const SKEW_MS = 15 * 60_000

/** The upload of one object: a single request if it fits into a part, else a multipart upload. */
export class ObjectUpload {
  readonly #target: UploadTarget
  readonly #plan: PartPlan
  readonly #maximumParts: number
  readonly #parts: MultipartUpload
  /** Set once S3 may have created the object, whether or not its answer arrived. */
  #committed: { sizeBytes: number; atMs: number } | undefined
  #recordedTag: string | undefined
  /** Those that the object may have: as it follows from the content, and as the server chose it. */
  readonly #tags = new Set<string>()

  constructor(target: UploadTarget, plan: PartPlan, maximumParts: number) {
    this.#target = target
    this.#plan = plan
    this.#maximumParts = maximumParts
    this.#parts = new MultipartUpload(target)
  }

  /**
   * Uploads content. Single requests are not cancelled, since the effect of a cancelled request would be unknown;
   * `chunks` fails when the caller's signal fires.
   *
   * @returns Its size and ETag.
   * @throws {StoreError} If S3 failed; errors of `chunks` are passed on.
   */
  async send(chunks: AsyncIterable<Buffer>): Promise<{ sizeBytes: number; tag: string | undefined }> {
    const { memoryLimitBytes, folder } = this.#target.sending
    let sizeBytes = 0
    let count = 0
    const options = { sizeOf: this.#plan, memoryLimitBytes, folder, digest: 'sha256' } as const
    for await (const { part, isLast } of splitIntoParts(chunks, options)) {
      sizeBytes += part.sizeBytes
      if (isLast && count === 0) {
        const tag = await this.#translated(this.#recordAndPut(part).finally(part.release))
        await this.#requireEncryption()
        return { sizeBytes, tag }
      }
      if (++count > this.#maximumParts) {
        await part.release()
        throw this.#tooLarge()
      }
      await this.#translated(this.#parts.add(part))
    }
    await this.#translated(this.#parts.settled())
    const { retry, signal } = this.#target
    await this.#record(sizeBytes, this.#parts.expectedTag())
    const complete = () => this.#translated(this.#commit(sizeBytes, () => this.#parts.complete()))
    const tag = await withRetries(complete, retry, signal)
    await this.#recordTag(sizeBytes, tag)
    await this.#requireEncryption()
    return { sizeBytes, tag }
  }

  /** Some servers ignore the header. Nothing is to be stored then that its owner believes to be encrypted. */
  async #requireEncryption(): Promise<void> {
    const { clients, object, properties, retry, signal, doing } = this.#target
    const wanted = properties.ServerSideEncryption
    if (wanted === undefined) return
    const found = await withRetries(() => this.#translated(headObject(clients.calls, object)), retry, signal)
    if (found?.ServerSideEncryption === wanted) return
    throw new StoreError('misconfigured', `Could not ${doing}: the store did not encrypt it as set (${wanted}).`)
  }

  #tooLarge(): StoreError {
    return new StoreError(
      'full',
      `Could not ${this.#target.doing}: it is larger than ${this.#maximumParts} parts hold; set a larger part size.`,
    )
  }

  async #translated<T>(promise: Promise<T>): Promise<T> {
    return promise.catch((error: unknown) => {
      throw toS3UploadError(error, this.#target.doing)
    })
  }

  /** @param call - Its argument: whether an earlier attempt may have created the object. */
  async #commit<Result>(sizeBytes: number, call: (mayBeThere: boolean) => Promise<Result>): Promise<Result> {
    const before = this.#committed
    this.#committed = { sizeBytes, atMs: performance.now() }
    try {
      return await call(before !== undefined)
    } catch (error) {
      // An earlier attempt may have created the object.
      if (isRefusal(error)) this.#committed = before
      throw error
    }
  }

  async #recordAndPut(part: Part): Promise<string | undefined> {
    const { recorder } = this.#target
    if (recorder !== undefined) await this.#record(part.sizeBytes, (await part.digest('md5')).toString('hex'))
    const tag = await this.#putWhole(part)
    await this.#recordTag(part.sizeBytes, tag)
    return tag
  }

  /** @param tag - As it follows from the content; a server that encrypts objects has others. */
  async #record(sizeBytes: number, tag: string | undefined): Promise<void> {
    this.#recordedTag = this.#target.properties.ServerSideEncryption === undefined ? tag : undefined
    if (this.#recordedTag !== undefined) this.#tags.add(this.#recordedTag)
    await this.#target.recorder?.committing({ sizeBytes, ...omitUndefined({ tag: this.#recordedTag }) })
  }

  /** Corrects the record where the server chose another tag. */
  async #recordTag(sizeBytes: number, answered: string | undefined): Promise<void> {
    const tag = answered?.replaceAll('"', '')
    if (tag) this.#tags.add(tag)
    if (tag && tag !== this.#recordedTag) await this.#target.recorder?.committing({ sizeBytes, tag })
  }

  async #putWhole(part: Part): Promise<string | undefined> {
    const { clients, object, retry, doing, omissions, mustBeNew, signal } = this.#target
    const sendOnce = async (mayBeThere: boolean): Promise<string | undefined> => {
      const optional = mustBeNew ? (['put-if-none-match'] as const) : []
      try {
        return await sendTolerantly(omissions, optional, (omitted) => this.#put(part, omitted, mayBeThere))
      } catch (error) {
        if (mustBeNew && !omissions.has('put-if-none-match') && isBrokenConnection(error)) {
          // A server that refuses the condition may close the connection under the body, and the refusal is lost.
          const found = await headObject(clients.calls, object).catch(() => null)
          if (found === undefined) return await this.#putUnconditionally(part, error)
        }
        if (mayBeThere && statusOf(error) === 412) {
          // An earlier attempt created the object, and its answer was lost.
          const found = await headObject(clients.calls, object)
          const md5 = (await part.digest('md5')).toString('hex')
          if (found?.ETag?.replaceAll('"', '') === md5) return found.ETag
        }
        throw toS3UploadError(error, doing)
      }
    }
    return withRetries(() => this.#commit(part.sizeBytes, sendOnce), retry, signal)
  }

  /**
   * Sends the object without the condition, after it was looked for in vain. That is not remembered: the connection may have broken
   * for another reason.
   */
  async #putUnconditionally(part: Part, broken: unknown): Promise<string | undefined> {
    try {
      return await this.#put(part, new Set(['put-if-none-match']), false)
    } catch (error) {
      throw error instanceof StoreError ? error : toS3UploadError(broken, this.#target.doing)
    }
  }

  async #put(part: Part, omitted: ReadonlySet<Omission>, mayBeThere: boolean): Promise<string | undefined> {
    const { clients, object, properties, sending, mustBeNew, doing } = this.#target
    const isConditional = mustBeNew && !omitted.has('put-if-none-match')
    // A server without the condition replaces the object, so that it is looked up before.
    if (mustBeNew && !isConditional && !mayBeThere && (await headObject(clients.calls, object)) !== undefined) {
      throw new StoreError('exists', `Could not ${doing}: an object of this name is there, and may not be replaced.`)
    }
    const condition = isConditional ? { IfNoneMatch: '*' } : {}
    const sent = await sendPart(part, clients.bodyRules, ({ sha256, md5: ContentMD5 }) => {
      const content = { Body: part.body(sending.bandwidth), ContentLength: part.sizeBytes, ContentMD5 }
      const command = new PutObjectCommand({ ...object, ...properties, ...content, ...condition })
      return clients.parts.send(signBody(command, sha256))
    })
    return sent.ETag
  }

  /** Removes the parts, and the object if it was created. An object that had the name before is kept. */
  async undo(): Promise<void> {
    await this.#parts.abort()
    if (!this.#committed) return
    const { sizeBytes, atMs } = this.#committed
    const { clients, object, omissions } = this.#target
    const abortSignal = AbortSignal.timeout(UNDO_TIMEOUT_MS)
    const removeOnce = async () => {
      const found = await headObject(clients.calls, object, abortSignal)
      const oldestMs = performance.now() - atMs + SKEW_MS
      if (found?.ContentLength !== sizeBytes || (found.ageMs ?? 0) > oldestMs) return
      if (this.#isOfAnother(found)) {
        const problem = `"${object.Key}" is kept: its size is the one that was stored, but its tag is another`
        throw new StoreError('replaced', `${problem}. Delete it if no other program stored it.`)
      }
      await deleteFound(clients, object, found, { omissions, signal: abortSignal })
    }
    await withRetries(() => this.#translated(removeOnce()), undoRetry, abortSignal)
  }

  /** Whether an object of our size has a tag that ours cannot have. Where no tag is known, size and age have to be enough. */
  #isOfAnother({ ETag }: FoundObject): boolean {
    const tag = ETag?.replaceAll('"', '')
    return Boolean(tag) && this.#tags.size > 0 && !this.#tags.has(tag ?? '')
  }
}
