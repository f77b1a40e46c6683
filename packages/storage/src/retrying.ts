import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { compareNames } from './object-name.ts'
import type { CallOptions, ObjectStore, PutOptions, StoredObject } from './object-store.ts'
import { StoreError } from './store-error.ts'

/** How often and how patiently a call is retried. */
export interface RetryOptions {
  /** Attempts in total. */
  attempts: number
  /** Delay before the second attempt; doubles with each further one. */
  firstDelayMs: number
}

export const defaultRetry: RetryOptions = { attempts: 4, firstDelayMs: 500 }

/** The retry options that apply to a store. */
export function retryOf(retry: RetryOptions | false | undefined): RetryOptions {
  return retry === false ? { attempts: 1, firstDelayMs: 0 } : (retry ?? defaultRetry)
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

  async *list(prefix: string, options?: CallOptions): AsyncGenerator<StoredObject> {
    let last: string | undefined
    for (let attempt = 1; ; attempt++) {
      try {
        // Names are in order, so an interrupted list continues after the last one.
        for await (const object of this.#store.list(prefix, options)) {
          if (last !== undefined && compareNames(object.name, last) <= 0) continue
          last = object.name
          attempt = 1
          yield object
        }
        return
      } catch (error) {
        await waitOrGiveUp(error, attempt, this.#options, options?.signal)
      }
    }
  }
}

/**
 * Retries a call while its failures are temporary, with growing delays.
 *
 * @throws The error of the last attempt; the signal's reason if that fires during a delay.
 */
export async function withRetries<Result>(
  call: () => Promise<Result>,
  options: RetryOptions,
  signal?: AbortSignal,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call()
    } catch (error) {
      await waitOrGiveUp(error, attempt, options, signal)
    }
  }
}

/** Waits before the next attempt, or throws the error if there is none. */
export async function waitOrGiveUp(
  error: unknown,
  attempt: number,
  options: RetryOptions,
  signal?: AbortSignal,
): Promise<void> {
  const canRetry = error instanceof StoreError && error.retryable && attempt < options.attempts
  if (!canRetry) throw error
  try {
    await sleep(options.firstDelayMs * 2 ** (attempt - 1), undefined, { signal })
  } catch {
    // Only the signal ends a sleep.
    signal?.throwIfAborted()
  }
}
