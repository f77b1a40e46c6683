import { createHash } from 'node:crypto'
import { undoRetry, withRetries } from '../retrying.ts'
import { StoreError } from '../store-error.ts'
import type { PartPlan } from '../transfer/part-plan.ts'
import { type Part, splitIntoParts } from '../transfer/parts.ts'
import { segmentsOf } from './remove-with-segments.ts'
import { MANIFEST_TIMEOUT_MS, type Segment, SegmentUpload, type SwiftTarget } from './segment-upload.ts'
import type { SwiftAnswer, SwiftRequest } from './swift-client.ts'
import { isConditionFailed, isRefusal, toSwiftUploadError, UnexpectedStatus } from './swift-error.ts'

const UNDO_TIMEOUT_MS = 30_000

/** What was stored: its size, and the ETag that Swift has for it. */
export interface SwiftStored {
  sizeBytes: number
  tag: string
}

/** One object on its way into a container: as it is if it is small, else as segments under a manifest (SLO). */
export class SwiftUpload {
  readonly #target: SwiftTarget
  readonly #plan: PartPlan
  readonly #maximumSegments: number
  readonly #segments: SegmentUpload
  /** Set once the server may have created the object, whether or not its answer reached us. */
  #committed: SwiftStored | undefined

  constructor(target: SwiftTarget, plan: PartPlan, maximumSegments: number) {
    this.#target = target
    this.#plan = plan
    this.#maximumSegments = maximumSegments
    this.#segments = new SegmentUpload(target)
  }

  /**
   * Uploads content.
   *
   * @throws {StoreError} If Swift failed; errors of `chunks` are passed on.
   */
  async send(chunks: AsyncIterable<Buffer>): Promise<SwiftStored> {
    const { memoryLimitBytes, folder } = this.#target.sending
    let hasBegun = false
    const options = { sizeOf: this.#plan, memoryLimitBytes, folder, digest: 'md5' } as const
    for await (const { part, isLast } of splitIntoParts(chunks, options)) {
      if (isLast && !hasBegun) return this.#translated(this.#putWhole(part).finally(part.release))
      if (!hasBegun) {
        hasBegun = true
        await this.#translated(this.#beginWith(part))
      } else if (this.#segments.count >= this.#maximumSegments ** 2) {
        await part.release()
        throw this.#tooLarge()
      }
      await this.#translated(this.#segments.add(part))
    }
    return this.#translated(this.#putManifest(await this.#segments.settled(this.#maximumSegments)))
  }

  async #beginWith(part: Part): Promise<void> {
    try {
      await this.#retry(() => this.#segments.begin())
      await this.#target.recorder?.begun(this.#segments.id)
    } catch (error) {
      await part.release()
      throw error
    }
  }

  #tooLarge(): StoreError {
    return new StoreError('full', `Could not ${this.#target.doing}: Swift takes no more segments; set a larger size.`)
  }

  async #translated<T>(promise: Promise<T>): Promise<T> {
    return promise.catch((error: unknown) => {
      throw toSwiftUploadError(error, this.#target.doing)
    })
  }

  #retry<T>(call: () => Promise<T>): Promise<T> {
    return withRetries(() => this.#translated(call()), this.#target.retry, this.#target.signal)
  }

  async #putWhole(part: Part): Promise<SwiftStored> {
    const etag = (await part.digest('md5')).toString('hex')
    const body = () => part.body(this.#target.sending.bandwidth)
    const { sizeBytes } = part
    // The server compares the ETag with the received bytes and rejects what was changed in transit.
    return this.#commit({ sizeBytes, tag: etag }, { body, sizeBytes, headers: { etag } })
  }

  async #putManifest(segments: readonly Segment[]): Promise<SwiftStored> {
    const sizeBytes = segments.reduce((sum, { size_bytes }) => sum + size_bytes, 0)
    const hash = createHash('md5')
    for (const { etag } of segments) hash.update(etag)
    const query = { 'multipart-manifest': 'put' }
    const body = Buffer.from(JSON.stringify(segments))
    return this.#commit(
      { sizeBytes, tag: hash.digest('hex') },
      { body, sizeBytes: body.length, query, answerTimeoutMs: MANIFEST_TIMEOUT_MS },
    )
  }

  async #commit(
    stored: SwiftStored,
    request: Pick<SwiftRequest, 'body' | 'sizeBytes' | 'headers' | 'query' | 'answerTimeoutMs'>,
  ): Promise<SwiftStored> {
    const { client, container, name, mustBeNew } = this.#target
    const replaced = mustBeNew ? [] : await this.#retry(() => this.#segmentsOfPrevious())
    // Ceph ignores the condition.
    if (mustBeNew && (await this.#retry(() => this.#head())) !== undefined) throw this.#exists()
    await this.#target.recorder?.committing(stored)
    const headers = { ...request.headers, ...(mustBeNew && { 'if-none-match': '*' }) }
    await this.#retry(async () => {
      const before = this.#committed
      this.#committed = stored
      try {
        await client.sendAndDump({ method: 'PUT', container, name, accept: [201], ...request, headers })
      } catch (error) {
        if (before !== undefined && isConditionFailed(error) && (await this.#isThere(stored))) return
        // An earlier attempt may have created the object.
        if (isRefusal(error)) this.#committed = before
        throw error
      }
    })
    await this.#removeReplaced(replaced)
    return stored
  }

  async #head(): Promise<SwiftAnswer | undefined> {
    const { client, container, name } = this.#target
    const head = await client.sendAndDump({ method: 'HEAD', container, name, accept: [200, 404] })
    return head.statusCode === 404 ? undefined : head
  }

  #exists(): StoreError {
    return toSwiftUploadError(new UnexpectedStatus(412), this.#target.doing)
  }

  /** Paths of the segments of the object that has the name now. */
  async #segmentsOfPrevious(): Promise<string[]> {
    const { client, container, name } = this.#target
    return (await segmentsOf(client, container, name)) ?? this.#segments.pathsOfOthers()
  }

  /** Removes the segments of the object that was replaced. What a manifest of another maker refers to is not ours. */
  async #removeReplaced(paths: readonly string[]): Promise<void> {
    const container = `${this.#target.container}_segments`
    const names = paths
      .filter((path) => path.startsWith(`/${container}/${this.#target.name}/`))
      .map((path) => path.slice(container.length + 2))
    for (const name of names) {
      try {
        await this.#target.client.sendAndDump({ method: 'DELETE', container, name, accept: [204, 404] })
      } catch {
        // The new object is whole and stored: that some space stays in use is no reason to call this a failure.
        return
      }
    }
  }

  /** Removes segments, and the object if it came to be. One that lay there before under the name stays. */
  async undo(): Promise<void> {
    const signal = AbortSignal.timeout(UNDO_TIMEOUT_MS)
    await this.#segments.stop()
    const removeObject = () => this.#translated(this.#removeObject(this.#committed, signal))
    if (this.#committed !== undefined) await withRetries(removeObject, undoRetry, signal)
    await this.#segments.removeAll(signal)
  }

  /** Whether the object exists, created by an earlier attempt whose answer was lost. */
  async #isThere({ tag }: SwiftStored): Promise<boolean> {
    return String((await this.#head())?.headers.etag).replaceAll('"', '') === tag
  }

  async #removeObject(stored: SwiftStored | undefined, signal: AbortSignal): Promise<void> {
    const { client, container, name } = this.#target
    const head = await client.sendAndDump({ method: 'HEAD', container, name, accept: [200, 404], signal })
    const isOurs =
      Number(head.headers['content-length']) === stored?.sizeBytes &&
      String(head.headers.etag).replaceAll('"', '') === stored?.tag
    if (head.statusCode !== 200 || !isOurs) return
    // In a container with versions nothing but this one is to be left.
    const version = head.headers['x-object-version-id']
    const query: Record<string, string> =
      typeof version === 'string' && version !== 'null' ? { 'version-id': version } : {}
    await client.sendAndDump({ method: 'DELETE', container, name, query, accept: [204, 404], signal })
  }
}
