import { createHash, randomBytes } from 'node:crypto'
import { StoreError } from '../store-error.ts'
import { segmentsOf } from './remove-with-segments.ts'
import { SegmentSource } from './segment-source.ts'
import { type Segment, type SegmentPlace, SegmentUpload } from './segment-upload.ts'
import type { SwiftClient } from './swift-client.ts'
import { isRefusal, toSwiftStoreError } from './swift-error.ts'
import type { SwiftLimits } from './swift-limits.ts'

/** Content up to this is held in memory and stored as it is; a manifest would cost two requests more. */
const plainSizeBytes = 16 * 1024 * 1024
/** The server looks at every segment before it answers. */
const manifestTimeoutMs = 10 * 60_000
const undoTimeoutMs = 60_000

/** One object on its way into a container: as it is if it is small, else as segments under a manifest (SLO). */
export class SwiftUpload {
  readonly #client: SwiftClient
  readonly #place: SegmentPlace
  readonly #segments: SegmentUpload
  readonly #segmentSizeBytes: number
  readonly #maximumSegments: number
  /** Set once the server may have made the object, whether or not its answer reached us. */
  #committedBytes: number | undefined

  constructor(client: SwiftClient, container: string, name: string, limits: SwiftLimits, segmentSizeBytes: number) {
    this.#client = client
    this.#place = { container, name, upload: randomBytes(6).toString('hex') }
    this.#segments = new SegmentUpload(client, this.#place)
    this.#segmentSizeBytes = Math.min(segmentSizeBytes, limits.maximumSizeBytes)
    this.#maximumSegments = limits.maximumSegments
  }

  /**
   * Uploads content and returns its size.
   *
   * @throws {StoreError} If Swift failed; what `chunks` throws comes through as it is.
   */
  async send(chunks: AsyncIterable<Buffer>, doing: string): Promise<number> {
    const source = new SegmentSource(chunks)
    const whole = await source.wholeIfSmall(Math.min(plainSizeBytes, this.#segmentSizeBytes))
    if (whole) {
      await translated(this.#putWhole(whole), doing)
      return whole.length
    }
    await translated(this.#segments.begin(), doing)
    while (await source.hasMore()) {
      if (this.#segments.count >= this.#maximumSegments) throw this.#tooLarge()
      const segment = source.segment(this.#segmentSizeBytes)
      await this.#segments.add(segment, (error) => toSwiftStoreError(error, doing))
    }
    return translated(this.#putManifest(this.#segments.done), doing)
  }

  #tooLarge(): StoreError {
    const { container, name } = this.#place
    return new StoreError(
      'full',
      `"${name}" is larger than ${this.#maximumSegments} segments of ${this.#segmentSizeBytes} bytes, which is all that ` +
        `Swift takes for container ${container}.`,
    )
  }

  async #putWhole(body: Buffer): Promise<void> {
    const etag = createHash('md5').update(body).digest('hex')
    // The server compares the etag with what it got, and refuses what was changed on the way.
    await this.#commit(body.length, () => this.#put({ body, headers: { etag } }))
  }

  async #putManifest(segments: readonly Segment[]): Promise<number> {
    const sizeBytes = segments.reduce((sum, segment) => sum + segment.sizeBytes, 0)
    const manifest = segments.map(({ path, etag, sizeBytes }) => ({ path, etag, size_bytes: sizeBytes }))
    const body = Buffer.from(JSON.stringify(manifest))
    await this.#commit(sizeBytes, () =>
      this.#put({ body, query: { 'multipart-manifest': 'put' }, answerTimeoutMs: manifestTimeoutMs }),
    )
    return sizeBytes
  }

  async #put(parts: Pick<Parameters<SwiftClient['send']>[0], 'body' | 'headers' | 'query' | 'answerTimeoutMs'>) {
    const { container, name } = this.#place
    await this.#client.sendAndDump({ method: 'PUT', container, name, accept: [201], ...parts })
  }

  async #commit(sizeBytes: number, call: () => Promise<void>): Promise<void> {
    const { container, name } = this.#place
    const replaced = await segmentsOf(this.#client, container, name)
    this.#committedBytes = sizeBytes
    try {
      await call()
      await this.#removeReplaced(replaced)
    } catch (error) {
      if (isRefusal(error)) this.#committedBytes = undefined
      throw error
    }
  }

  /** Removes the segments of the object that was replaced. What a manifest of another maker refers to is not ours. */
  async #removeReplaced(paths: readonly string[]): Promise<void> {
    const container = `${this.#place.container}_segments`
    const names = paths
      .filter((path) => path.startsWith(`/${container}/${this.#place.name}/`))
      .map((path) => path.slice(container.length + 2))
    for (const name of names) {
      try {
        await this.#client.sendAndDump({ method: 'DELETE', container, name, accept: [204, 404] })
      } catch {
        // The new object is whole and stored: that some space stays in use is no reason to call this a failure.
        return
      }
    }
  }

  /** Removes segments, and the object if it came to be. One that lay there before under the name stays. */
  async undo(): Promise<void> {
    const signal = AbortSignal.timeout(undoTimeoutMs)
    if (this.#committedBytes !== undefined) await this.#removeObject(this.#committedBytes, signal)
    await this.#segments.removeAll(signal)
  }

  async #removeObject(sizeBytes: number, signal: AbortSignal): Promise<void> {
    const { container, name } = this.#place
    const head = await this.#client.sendAndDump({ method: 'HEAD', container, name, accept: [200, 404], signal })
    const isOurs = head.statusCode === 200 && Number(head.headers['content-length']) === sizeBytes
    if (isOurs) await this.#client.sendAndDump({ method: 'DELETE', container, name, accept: [204, 404], signal })
  }
}

async function translated<T>(promise: Promise<T>, doing: string): Promise<T> {
  return promise.catch((error: unknown) => {
    throw toSwiftStoreError(error, doing)
  })
}
