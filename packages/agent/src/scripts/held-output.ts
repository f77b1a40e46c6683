import { Readable } from 'node:stream'
import { transferOwnership } from '@osb-backup/storage/buffer-ownership'

/**
 * The output of a dump script with its end held back: it ends only after `release`, so that no store completes the
 * object of a failed script. With backpressure.
 */
export class HeldOutput extends Readable {
  readonly #source: Readable
  #sourceEnded = false
  #released = false
  #movedAt = 0
  /** Bytes so far. */
  bytes = 0
  /** Whether the script succeeded but wrote nothing. */
  isEmptyDump = false
  /** Whether the script failed before its reader stopped: a script whose output is closed fails because of that. */
  isFailedScript = false

  constructor(source: Readable) {
    super({ highWaterMark: 1024 * 1024 })
    this.#source = source
    // The upload handles its error; an error before that must not end the agent.
    this.on('error', () => undefined)
    source.on('data', (chunk: Buffer) => {
      this.bytes += chunk.length
      this.#movedAt = performance.now()
      if (!this.push(transferOwnership(chunk))) source.pause()
    })
    // Errors of a closed pipe; the exit status of the script decides.
    source.on('error', () => this.#sourceOver())
    source.on('end', () => this.#sourceOver())
    source.on('close', () => this.#sourceOver())
  }

  /** Whether everything was read, or the stream is destroyed. */
  get isSettled(): boolean {
    return this.#sourceEnded || this.destroyed
  }

  /** How long no data has arrived although it was requested; 0 while the consumer is slower than the script. */
  idleMs(now: number): number {
    if (this.#source.isPaused()) this.#movedAt = now
    return now - this.#movedAt
  }

  /** Ends the stream, since the script succeeded; an empty dump fails it. */
  release(): void {
    if (this.bytes === 0 && !this.destroyed) {
      this.isEmptyDump = true
      this.destroy(new Error('the dump is empty'))
    }
    this.#released = true
    if (this.#sourceEnded && !this.destroyed) this.push(null)
  }

  /** Fails the stream, since the script failed. */
  fail(problem: string): void {
    if (this.destroyed) return
    this.isFailedScript = true
    this.destroy(new Error(problem))
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
