import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { compareNames } from './object-name.ts'
import type { CallOptions, ObjectStore, StoredObject } from './object-store.ts'
import { StoreError } from './store-error.ts'

/** How often and how patiently a call is tried again. */
export interface RetryOptions {
  /** Tries in all. */
  attempts: number
  /** Wait before the second try; doubles with each further one. */
  firstDelayMs: number
}

export const defaultRetry: RetryOptions = { attempts: 4, firstDelayMs: 500 }

/**
 * Tries again what failed for the time being. `put` is passed on as it is, since its content can be read only once,
 * and of `get` only the opening is repeated.
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

  put(name: string, content: Readable, options?: CallOptions): Promise<StoredObject> {
    return this.#store.put(name, content, options)
  }

  get(name: string, options?: CallOptions): Promise<Readable> {
    return this.#again(() => this.#store.get(name, options), options)
  }

  head(name: string, options?: CallOptions): Promise<StoredObject | undefined> {
    return this.#again(() => this.#store.head(name, options), options)
  }

  remove(name: string, options?: CallOptions): Promise<void> {
    return this.#again(() => this.#store.remove(name, options), options)
  }

  async *list(prefix: string, options?: CallOptions): AsyncGenerator<StoredObject> {
    let last: string | undefined
    for (let attempt = 1; ; attempt++) {
      try {
        // Names come in order, so a list that broke goes on after the last one it gave.
        for await (const object of this.#store.list(prefix, options)) {
          if (last !== undefined && compareNames(object.name, last) <= 0) continue
          last = object.name
          attempt = 1
          yield object
        }
        return
      } catch (error) {
        await this.#waitOrGiveUp(error, attempt, options?.signal)
      }
    }
  }

  async #again<Result>(call: () => Promise<Result>, options?: CallOptions): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await call()
      } catch (error) {
        await this.#waitOrGiveUp(error, attempt, options?.signal)
      }
    }
  }

  async #waitOrGiveUp(error: unknown, attempt: number, signal?: AbortSignal): Promise<void> {
    const canRetry = error instanceof StoreError && error.retryable && attempt < this.#options.attempts
    if (!canRetry) throw error
    try {
      await sleep(this.#options.firstDelayMs * 2 ** (attempt - 1), undefined, { signal })
    } catch {
      // Only the signal ends a sleep.
      signal?.throwIfAborted()
    }
  }
}
