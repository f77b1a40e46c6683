/** How long requests under way may take to finish before they are cut off. */
const SETTLE_MS = 10_000

/**
 * The end of an upload: nothing new is sent, and requests under way may still finish for a while, so that it is known what
 * is stored.
 */
export class GracefulStop {
  readonly #stopped = new AbortController()
  readonly #cutOff = new AbortController()

  /** @param signal - Requests the end when it fires. */
  constructor(signal: AbortSignal | undefined) {
    signal?.addEventListener('abort', () => this.request(), { once: true, signal: this.#stopped.signal })
  }

  /** Fires when nothing is to be sent or repeated any more. */
  get stopped(): AbortSignal {
    return this.#stopped.signal
  }

  /** Fires when requests under way are cut off. */
  get cutOff(): AbortSignal {
    return this.#cutOff.signal
  }

  request(): void {
    if (this.#stopped.signal.aborted) return
    this.#stopped.abort()
    setTimeout(() => this.#cutOff.abort(), SETTLE_MS).unref()
  }
}
