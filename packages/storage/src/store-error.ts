/**
 * Why a call to a store failed.
 * - `absent`: the object, bucket, container or directory does not exist.
 * - `denied`: credentials are wrong or do not allow this.
 * - `temporary`: the store is busy or unreachable, or the connection was lost; the same call may succeed later.
 * - `full`: no space or quota left.
 * - `exists`: an object of this name exists and was not to be replaced.
 * - `replaced`: the object was replaced while it was read.
 * - `invalid-name`: not all stores can store an object of this name.
 * - `misconfigured`: the settings cannot work (no such host, wrong region, bad certificate, not this protocol).
 */
export type StoreErrorCode =
  | 'absent'
  | 'denied'
  | 'temporary'
  | 'full'
  | 'exists'
  | 'replaced'
  | 'invalid-name'
  | 'misconfigured'

/** A failed call to a store. The message names store and object, says what to do, and contains no secret. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  /** Whether the same call may succeed later. */
  get retryable(): boolean {
    return this.code === 'temporary'
  }
}

/** The error to report when a call failed and its cleanup failed too: it describes both. */
export function combineErrors(error: unknown, undoing: StoreError): StoreError {
  const first = error instanceof Error ? error.message : String(error)
  const code = error instanceof StoreError ? error.code : undoing.code
  return new StoreError(code, `${first} Then: ${undoing.message}`, { cause: new AggregateError([error, undoing]) })
}

/** Whether an error is one of `combineErrors`: something may be left in the store, which no other error reports. */
export function reportsOrphans(error: unknown): boolean {
  return error instanceof StoreError && error.cause instanceof AggregateError
}
