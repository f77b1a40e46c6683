import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { compareNames } from './object-name.ts'
import type { CallOptions, ObjectStore, PutOptions, StoredObject } from './object-store.ts'
import { StoreError } from './store-error.ts'

/** How often and how patiently a call is tried again. */
export interface RetryOptions {
  /** Tries in all. */
  attempts: number
  /** Wait before the second try; doubles with each further one. */
  firstDelayMs: number
}

export const defaultRetry: RetryOptions = { attempts: 4, firstDelayMs: 500 }

/** How often a call is tried under the options of a store. */
export function retryOf(retry: RetryOptions | false | undefined): RetryOptions {
  return retry === false ? { attempts: 1, firstDelayMs: 0 } : (retry ?? defaultRetry)
}

/**
 * Tries again what failed for the time being. `put` is passed on as it is, since its content can be read only once,
 * and of `get` only the opening is repeated: the stores themselves send parts again, and go on with a download that
 * was cut.
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
        await waitOrGiveUp(error, attempt, this.#options, options?.signal)
      }
    }
  }
}

/**
 * Tries a call again while it fails for the time being, waiting longer each time.
 *
 * @throws What the last try failed with; the signal's reason if that fires while it waits.
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

/** Waits before the next try, or throws the error where there is to be none. */
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
