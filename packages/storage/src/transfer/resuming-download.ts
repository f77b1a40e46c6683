import { Readable } from 'node:stream'
import { relay } from '../relay.ts'
import { Outage, type RetryOptions } from '../retrying.ts'
import { StoreError } from '../store-error.ts'
import type { ByteRange, OpenedObject } from './byte-range.ts'

/** How bytes are requested, and requested again. */
export interface OpeningOptions {
  /**
   * Requests bytes of the object.
   *
   * @param tag - The expected content; a store with different content rejects with the code `replaced`.
   */
  open(range: ByteRange, tag: string | undefined, signal: AbortSignal): Promise<OpenedObject>
  translate: (error: unknown) => StoreError
  retry: RetryOptions
  /** How long the store may send nothing while data is requested. */
  idleTimeoutMs: number
}

const BUFFER_BYTES = 256 * 1024
/**
 * This many bytes since the last lost connection count as progress. It is not more than what is read ahead: a reader
 * that pauses notices a lost connection only when it resumes, and that must not count as a failure.
 */
const progressBytes = BUFFER_BYTES

/**
 * A download of a range of an object, and of no byte more, whatever the store sends. When the connection is lost, it resumes at the next byte, as long as the store
 * has the same content, for as long as an outage may last without progress, with growing delays. While the reader pauses, it is
 * not reopened, and a lost connection does not count: stores drop idle clients.
 */
export class ResumingDownload extends Readable {
  readonly #options: OpeningOptions
  readonly #range: ByteRange
  readonly #tag: string | undefined
  readonly #gone = new AbortController()
  readonly #outage: Outage
  #body: Readable | undefined
  /** Why there is no body. */
  #cut: unknown
  #isOpening = false
  #isWanted = false
  #readBytes = 0
  #sinceCutBytes = 0

  /**
   * @param tag - Identifies the content; without it a download cannot be resumed.
   * @param first - An answer that was opened already; absent: it is opened when it is read.
   */
  constructor(options: OpeningOptions, range: ByteRange, tag: string | undefined, first?: OpenedObject) {
    super({ highWaterMark: BUFFER_BYTES })
    this.#options = options
    this.#range = range
    this.#tag = tag
    this.#outage = new Outage(options.retry)
    if (first) this.#attach(first)
  }

  override _read(): void {
    this.#isWanted = true
    if (this.#body) this.#body.resume()
    else if (!this.#isOpening) void this.#reopen()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#gone.abort()
    this.#body?.destroy()
    callback(error)
  }

  #attach({ body: sent, bodyBytes }: OpenedObject): void {
    const { translate, idleTimeoutMs } = this.#options
    const sentUpTo = bodyBytes === undefined ? undefined : this.#readBytes + bodyBytes
    const endsAt = this.#range.end === undefined ? sentUpTo : this.#range.end - this.#range.from
    const body = relay(sent, { translate, idleTimeoutMs })
    const isWhole = () => endsAt !== undefined && this.#readBytes === endsAt
    body.on('data', (sentChunk: Buffer) => {
      const leftBytes = endsAt === undefined ? sentChunk.length : endsAt - this.#readBytes
      const isTooLong = sentChunk.length > leftBytes
      const chunk = isTooLong ? sentChunk.subarray(0, leftBytes) : sentChunk
      this.#readBytes += chunk.length
      this.#sinceCutBytes += chunk.length
      if (this.#sinceCutBytes >= progressBytes) this.#outage.end()
      this.#isWanted = this.push(chunk)
      if (isTooLong) this.#finish()
      else if (!this.#isWanted) body.pause()
    })
    body.on('error', (error) => {
      // A connection that is lost after the last byte costs nothing.
      if (isWhole()) this.#finish()
      else this.#onCut(error)
    })
    body.on('end', () => {
      if (endsAt === undefined || isWhole()) this.#finish()
      else this.#onCut(translate(Object.assign(new Error('The body ended early'), { code: 'ECONNRESET' })))
    })
    this.#body = body
    if (!this.#isWanted) body.pause()
  }

  #finish(): void {
    this.#body?.removeAllListeners('data').destroy()
    this.push(null)
  }

  #onCut(error: unknown): void {
    if (this.destroyed) return
    this.#body = undefined
    this.#cut = error
    this.#sinceCutBytes = 0
    if (this.#isWanted) void this.#reopen()
    else this.#outage.end()
  }

  /** Opens the object at the next byte. Never rejects: afterwards there is a body, or this stream is destroyed. */
  async #reopen(): Promise<void> {
    this.#isOpening = true
    try {
      this.#attach(await this.#openAgain())
    } catch (error) {
      this.destroy(error as Error)
    } finally {
      this.#isOpening = false
    }
  }

  async #openAgain(): Promise<OpenedObject> {
    const { open } = this.#options
    for (;;) {
      if (this.#cut !== undefined) {
        if (this.#readBytes > 0 && this.#tag === undefined) throw this.#cut
        await this.#outage.waitOrGiveUp(this.#cut, this.#gone.signal)
      }
      try {
        const range = { from: this.#range.from + this.#readBytes, end: this.#range.end }
        const opened = await open(range, this.#tag, this.#gone.signal)
        if (opened.tag === this.#tag) return opened
        opened.body.destroy()
      } catch (error) {
        this.#cut = error
        continue
      }
      throw new StoreError('replaced', 'The object was replaced by another one while it was read.')
    }
  }
}
