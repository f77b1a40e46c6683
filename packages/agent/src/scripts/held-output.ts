import { Readable } from 'node:stream'
import { transferOwnership } from '@osb-backup/storage'

/**
 * What a dump script writes, with its end held back: it ends only on `release`, so that no store ever completes an
 * object of a script that failed. With backpressure.
 */
export class HeldOutput extends Readable {
  readonly #source: Readable
  #sourceEnded = false
  #released = false
  #movedAt = 0
  /** Bytes that came so far. */
  bytes = 0
  /** The script succeeded, but wrote nothing. */
  isEmptyDump = false

  constructor(source: Readable) {
    super({ highWaterMark: 1024 * 1024 })
    this.#source = source
    // Whoever stores the dump sees its error; one that comes before anybody listens must not end the agent.
    this.on('error', () => undefined)
    source.on('data', (chunk: Buffer) => {
      this.bytes += chunk.length
      this.#movedAt = performance.now()
      if (!this.push(transferOwnership(chunk))) source.pause()
    })
    // Errors of a pipe that was closed under it; what counts is how the script ends.
    source.on('error', () => this.#sourceOver())
    source.on('end', () => this.#sourceOver())
    source.on('close', () => this.#sourceOver())
  }

  /** Whether everything was read, or nobody reads any more. */
  get isSettled(): boolean {
    return this.#sourceEnded || this.destroyed
  }

  /** How long nothing came although it was asked for; 0 while the consumer is what holds up. */
  idleMs(now: number): number {
    if (this.#source.isPaused()) this.#movedAt = now
    return now - this.#movedAt
  }

  /** The script succeeded: lets the end through, unless nothing came before it. */
  release(): void {
    if (this.bytes === 0 && !this.destroyed) {
      this.isEmptyDump = true
      this.destroy(new Error('the dump is empty'))
    }
    this.#released = true
    if (this.#sourceEnded && !this.destroyed) this.push(null)
  }

  override _read(): void {
    this.#source.resume()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#source.destroy()
    callback(error)
  }

  #sourceOver(): void {
    if (this.#sourceEnded) return
    this.#sourceEnded = true
    if (this.#released && !this.destroyed) this.push(null)
  }
}
