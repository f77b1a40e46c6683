import { Readable } from 'node:stream'
import { relay } from '../relay.ts'
import { type RetryOptions, waitOrGiveUp } from '../retrying.ts'
import { StoreError } from '../store-error.ts'
import type { ByteRange, OpenedObject } from './byte-range.ts'

/** How bytes are asked for, and asked for again. */
export interface OpeningOptions {
  /**
   * Asks the store for bytes of the object.
   *
   * @param tag - The content must still be this one; a store that has another rejects with the code `replaced`.
   */
  open(range: ByteRange, tag: string | undefined, signal: AbortSignal): Promise<OpenedObject>
  translate: (error: unknown) => StoreError
  retry: RetryOptions
  /** How long the store may send nothing while more is wanted. */
  idleTimeoutMs: number
}

const BUFFER_BYTES = 256 * 1024
/**
 * So many bytes since the last cut show that it is worth going on. No more than is read ahead: whoever pauses learns
 * only when going on that the connection was cut meanwhile, and that must not count.
 */
const progressBytes = BUFFER_BYTES

/**
 * A download of some bytes of an object. Where the connection is cut it goes on from the byte it reached, as long as the
 * store has the same content: a bounded number of times in a row without progress, with a growing wait between. While
 * its reader pauses it is not opened again, and a cut does not count: stores drop who is silent.
 */
export class ResumingDownload extends Readable {
  readonly #options: OpeningOptions
  readonly #range: ByteRange
  readonly #tag: string | undefined
  readonly #gone = new AbortController()
  #body: Readable | undefined
  /** Why there is no body. */
  #cut: unknown
  #isOpening = false
  #isWanted = false
  #readBytes = 0
  #attempt = 1
  #sinceCutBytes = 0

  /**
   * @param tag - Names the content; without it a cut cannot be made good.
   * @param first - What was opened already; absent: it is opened when it is read.
   */
  constructor(options: OpeningOptions, range: ByteRange, tag: string | undefined, first?: OpenedObject) {
    super({ highWaterMark: BUFFER_BYTES })
    this.#options = options
    this.#range = range
    this.#tag = tag
    if (first) this.#attach(first)
  }

  override _read(): void {
    this.#isWanted = true
    if (this.#body) this.#body.resume()
    else if (!this.#isOpening) this.#reopen()
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
    body.on('data', (chunk: Buffer) => {
      this.#readBytes += chunk.length
      this.#sinceCutBytes += chunk.length
      if (this.#sinceCutBytes >= progressBytes) this.#attempt = 1
      this.#isWanted = this.push(chunk)
      if (!this.#isWanted) body.pause()
    })
    body.on('error', (error) => this.#onCut(error))
    body.on('end', () => {
      if (endsAt === undefined || this.#readBytes === endsAt) this.push(null)
      else this.#onCut(translate(Object.assign(new Error('The body ended early'), { code: 'ECONNRESET' })))
    })
    this.#body = body
    if (!this.#isWanted) body.pause()
  }

  #onCut(error: unknown): void {
    if (this.destroyed) return
    this.#body = undefined
    this.#cut = error
    this.#sinceCutBytes = 0
    if (this.#isWanted) this.#reopen()
    else this.#attempt = 1
  }

  /** Opens the object from the byte that was reached; in the end either there is a body, or this is destroyed. */
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
    const { open, retry } = this.#options
    for (;;) {
      if (this.#cut !== undefined) {
        if (this.#readBytes > 0 && this.#tag === undefined) throw this.#cut
        await waitOrGiveUp(this.#cut, this.#attempt++, retry, this.#gone.signal)
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
