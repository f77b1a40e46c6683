/**
 * How long a segment waits for more before it ends early. Swift drops a request whose body is silent for a minute, and
 * a dump may well be: it sorts, or waits for a lock.
 */
const defaultPauseMs = 20_000

/** Gives a stream's bytes piece by piece, each piece a stream of its own that ends at a size or at a pause. */
export class SegmentSource {
  readonly #chunks: AsyncIterator<Buffer>
  readonly #pauseMs: number
  #held: Buffer[] = []
  #next: Promise<IteratorResult<Buffer>> | undefined

  constructor(chunks: AsyncIterable<Buffer>, pauseMs = defaultPauseMs) {
    this.#chunks = chunks[Symbol.asyncIterator]()
    this.#pauseMs = pauseMs
  }

  /** Whether there is at least one more byte; waits as long as that takes. */
  async hasMore(): Promise<boolean> {
    while (this.#held.length === 0) {
      const next = await this.#pending()
      this.#next = undefined
      if (next.done) return false
      if (next.value.length > 0) this.#held.push(next.value)
    }
    return true
  }

  /**
   * Reads ahead, up to a size, keeping what it reads for the segments.
   *
   * @returns All bytes, if there are no more than `maximumBytes` of them.
   */
  async wholeIfSmall(maximumBytes: number): Promise<Buffer | undefined> {
    const held: Buffer[] = []
    let heldBytes = 0
    while (await this.hasMore()) {
      for (const chunk of this.#held) heldBytes += chunk.length
      held.push(...this.#held)
      this.#held = []
      if (heldBytes > maximumBytes) {
        this.#held = held
        return undefined
      }
    }
    return Buffer.concat(held, heldBytes)
  }

  /** The bytes of the next segment, at least one; to be called when `hasMore`. */
  async *segment(maximumBytes: number): AsyncGenerator<Buffer> {
    let leftBytes = maximumBytes
    while (leftBytes > 0 && (await this.#hasMoreSoon())) {
      const chunk = this.#held.shift() ?? Buffer.alloc(0)
      const taken = chunk.subarray(0, leftBytes)
      if (taken.length < chunk.length) this.#held.unshift(chunk.subarray(taken.length))
      leftBytes -= taken.length
      yield taken
    }
  }

  async #hasMoreSoon(): Promise<boolean> {
    if (this.#held.length > 0) return true
    let timer: NodeJS.Timeout | undefined
    const pause = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, this.#pauseMs, false)
    })
    try {
      const isHere = await Promise.race([this.#pending().then(() => true), pause])
      return isHere && (await this.hasMore())
    } finally {
      clearTimeout(timer)
    }
  }

  #pending(): Promise<IteratorResult<Buffer>> {
    if (!this.#next) {
      this.#next = this.#chunks.next()
      // It may fail while nobody waits for it, after a pause; whoever asks next gets the failure.
      this.#next.catch(() => undefined)
    }
    return this.#next
  }
}
