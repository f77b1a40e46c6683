/**
 * Why a store refused.
 * - `absent`: the object, bucket, container or directory is not there.
 * - `denied`: credentials are wrong or do not allow this.
 * - `temporary`: busy, cut or unreachable; the same call may work later.
 * - `full`: no space or quota left.
 * - `exists`: an object of this name is there, and was not to be replaced.
 * - `replaced`: another object took its place while it was read.
 * - `invalid-name`: the object's name is not one that all stores can hold.
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

/** A store's failure. The message names store and object, says what to do, and holds no secret. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  /** Whether the same call may work later. */
  get retryable(): boolean {
    return this.code === 'temporary'
  }
}

/** The error to report when a call failed and then its traces could not be removed: both are told. */
export function combineErrors(error: unknown, undoing: StoreError): StoreError {
  const first = error instanceof Error ? error.message : String(error)
  const code = error instanceof StoreError ? error.code : undoing.code
  return new StoreError(code, `${first} Then: ${undoing.message}`, { cause: new AggregateError([error, undoing]) })
}

/** Whether an error is one of `combineErrors`: something may be left in the store, which no other error says. */
export function reportsOrphans(error: unknown): boolean {
  return error instanceof StoreError && error.cause instanceof AggregateError
}
