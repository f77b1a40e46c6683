import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { compareNames } from './object-name.ts'
import type { CallOptions, ObjectStore, PutOptions, StoredObject } from './object-store.ts'
import { StoreError } from './store-error.ts'

/** How patiently a call is retried while a store fails temporarily. */
export interface RetryOptions {
  /** How long a store may be unavailable, from the first failure on; there is a last attempt at its end. 0: no retries. */
  outageMs: number
  /** Delay before the second attempt; doubles with each further one. Half of it is random, as stores recommend. */
  firstDelayMs?: number
  /** The longest delay, unless the store asks for a longer one (Retry-After). */
  longestDelayMs?: number
}

const DEFAULT_FIRST_DELAY_MS = 500
const DEFAULT_LONGEST_DELAY_MS = 10_000

/** For transfers: a store may be restarted or updated meanwhile. */
const defaultRetry: RetryOptions = { outageMs: 300_000 }

/** For what is removed after a failure: its caller has waited for the store already. */
export const undoRetry: RetryOptions = { outageMs: 10_000 }

/** The retry options that apply to a store. */
export function retryOf(retry: RetryOptions | false | undefined): RetryOptions {
  return retry === false ? { outageMs: 0 } : (retry ?? defaultRetry)
}

/**
 * Wraps a store so that temporary failures are retried. `put` is not retried, since its content can be read only once,
 * and of `get` only the opening is: the stores themselves retry parts and resume interrupted downloads.
 */
export function retrying(store: ObjectStore, options: RetryOptions = defaultRetry): ObjectStore {
  return new RetryingStore(store, options)
}

class RetryingStore implements ObjectStore {
  readonly location: string
  readonly #store: ObjectStore
  readonly #options: RetryOptions

  constructor(store: ObjectStore, options: RetryOptions) {
    this.location = store.location
    this.#store = store
    this.#options = options
  }

  put(name: string, content: Readable, options?: PutOptions): Promise<StoredObject> {
    return this.#store.put(name, content, options)
  }

  get(name: string, options?: CallOptions): Promise<Readable> {
    return withRetries(() => this.#store.get(name, options), this.#options, options?.signal)
  }

  head(name: string, options?: CallOptions): Promise<StoredObject | undefined> {
    return withRetries(() => this.#store.head(name, options), this.#options, options?.signal)
  }

  remove(name: string, options?: CallOptions): Promise<void> {
    return withRetries(() => this.#store.remove(name, options), this.#options, options?.signal)
  }

  removeIfSame(object: StoredObject, options?: CallOptions): Promise<boolean> {
    return withRetries(() => this.#store.removeIfSame(object, options), this.#options, options?.signal)
  }

  credentialsExpireAt(options?: CallOptions): Promise<Date | undefined> {
    const read = async () => this.#store.credentialsExpireAt?.(options)
    return withRetries(read, this.#options, options?.signal)
  }

  async *list(prefix: string, options?: CallOptions): AsyncGenerator<StoredObject> {
    const place = new ListPlace()
    const outage = new Outage(this.#options)
    for (;;) {
      try {
        for await (const object of this.#store.list(prefix, options)) {
          if (!place.advance(object.name)) continue
          outage.end()
          yield object
        }
        return
      } catch (error) {
        // What was listed in another order cannot be told from what was not, and a list must not be short.
        if (!place.canResume()) throw error
        await outage.waitOrGiveUp(error, options?.signal)
      }
    }
  }
}

/** How far a list has got, so that one that is interrupted continues after its last name, provided that names are in order. */
class ListPlace {
  #last: string | undefined
  #isInOrder = true
  /** The names that the interrupted list had listed, while they are listed again: up to the last of them. */
  #repeated: { upTo: string; previous: string | undefined } | undefined

  /** @returns Whether the name has not been listed before. */
  advance(name: string): boolean {
    const repeated = this.#repeated
    if (repeated !== undefined) {
      const { previous } = repeated
      if (previous !== undefined && compareNames(name, previous) < 0) {
        this.#isInOrder = false
        throw new StoreError('temporary', 'The store lists names in another order than before; list again.')
      }
      repeated.previous = name
      if (compareNames(name, repeated.upTo) <= 0) return false
      this.#repeated = undefined
    }
    if (this.#last !== undefined && compareNames(name, this.#last) <= 0) this.#isInOrder = false
    this.#last = name
    return true
  }

  canResume(): boolean {
    if (this.#isInOrder && this.#last !== undefined) this.#repeated = { upTo: this.#last, previous: undefined }
    return this.#isInOrder
  }
}

/**
 * Retries a call while its failures are temporary, with growing delays, for as long as an outage may last.
 *
 * @param signal - Ends the delays.
 * @throws The error of the last attempt; the signal's reason if that fires during a delay.
 */
export async function withRetries<Result>(
  call: () => Promise<Result>,
  options: RetryOptions,
  signal?: AbortSignal,
): Promise<Result> {
  const outage = new Outage(options)
  for (;;) {
    try {
      return await call()
    } catch (error) {
      await outage.waitOrGiveUp(error, signal)
    }
  }
}

/** The failures of a call since it last succeeded. */
export class Outage {
  readonly #options: RetryOptions
  #failures = 0
  #beganAtMs = 0

  constructor(options: RetryOptions) {
    this.#options = options
  }

  /** Waits before the next attempt, or throws the error if there is none. */
  async waitOrGiveUp(error: unknown, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (!(error instanceof StoreError && error.retryable)) throw error
    const nowMs = performance.now()
    if (this.#failures++ === 0) this.#beganAtMs = nowMs
    const elapsedMs = nowMs - this.#beganAtMs
    const leftMs = this.#options.outageMs - elapsedMs
    if (leftMs <= 0) throw this.#failures === 1 ? error : error.retriedFor(elapsedMs)
    const delayMs = Math.max(this.#delayMs(), error.retryAfterMs ?? 0)
    // Rejects only when the signal fires. A timer may fire a little early, which must not cost the last attempt.
    await sleep(Math.ceil(Math.min(delayMs, leftMs)), undefined, { signal }).catch(() => undefined)
    signal?.throwIfAborted()
  }

  /** The store works again: the next failure begins another outage. */
  end(): void {
    this.#failures = 0
  }

  #delayMs(): number {
    const { firstDelayMs = DEFAULT_FIRST_DELAY_MS, longestDelayMs = DEFAULT_LONGEST_DELAY_MS } = this.#options
    const delayMs = Math.min(longestDelayMs, firstDelayMs * 2 ** (this.#failures - 1))
    return delayMs * (0.5 + Math.random() / 2)
  }
}
