import { pipeline, Readable, Transform } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

/** Under a limit bytes are sent in slices of this size, so that they are spread evenly. */
const PIECE_BYTES = 64 * 1024
/** The burst that a limit allows after a pause. */
const BURST_SECONDS = 0.1

/**
 * A limit on bytes per second, for all transfers that share it: a token bucket. Waiting transfers are served in order.
 */
export class BandwidthLimit {
  readonly bytesPerSecond: number
  /** When the bytes so far are paid for, on the monotonic clock, in ms. */
  #paidAt = 0

  /**
   * @param bytesPerSecond - Above 0.
   * @throws {RangeError} If it is not.
   */
  constructor(bytesPerSecond: number) {
    if (!(bytesPerSecond > 0))
      throw new RangeError(`A bandwidth limit is above 0 bytes per second, not ${bytesPerSecond}.`)
    this.bytesPerSecond = bytesPerSecond
  }

  /** Waits until this many bytes may be sent. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const now = performance.now()
    const from = Math.max(this.#paidAt, now - BURST_SECONDS * 1000)
    this.#paidAt = from + (bytes / this.bytesPerSecond) * 1000
    const waitMs = this.#paidAt - now
    if (waitMs > 0) await sleep(waitMs, undefined, { signal })
  }
}

/** Waits for every limit. */
async function takeAll(limits: readonly BandwidthLimit[], bytes: number, signal: AbortSignal): Promise<void> {
  await Promise.all(limits.map((limit) => limit.take(bytes, signal)))
}

/** Creates a stream that passes bytes on as fast as all limits allow. */
export function throttle(limits: readonly BandwidthLimit[]): Transform {
  const gone = new AbortController()
  return new Transform({
    async transform(chunk: Buffer, _encoding, callback) {
      try {
        for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
          const piece = chunk.subarray(at, at + PIECE_BYTES)
          await takeAll(limits, piece.length, gone.signal)
          this.push(piece)
        }
        callback()
      } catch (error) {
        callback(error as Error)
      }
    },
    destroy(error, callback) {
      gone.abort()
      callback(error)
    },
  })
}

/** The bytes of a buffer as a stream within all limits. */
export function throttled(bytes: Buffer, limits: readonly BandwidthLimit[]): Readable {
  let at = 0
  const gone = new AbortController()
  return new Readable({
    async read() {
      const piece = bytes.subarray(at, at + PIECE_BYTES)
      at += piece.length
      try {
        await takeAll(limits, piece.length, gone.signal)
        this.push(piece.length > 0 ? piece : null)
      } catch (error) {
        this.destroy(error as Error)
      }
    },
    destroy(error, callback) {
      gone.abort()
      callback(error)
    },
  })
}

/** A stream as fast as all limits allow; the stream itself where there are none. */
export function limited(stream: Readable, limits: readonly BandwidthLimit[] = []): Readable {
  return limits.length === 0 ? stream : pipeline(stream, throttle(limits), () => undefined)
}
