/**
 * Why a call to a store failed.
 * - `absent`: the object, bucket, container or directory does not exist.
 * - `denied`: credentials are wrong or do not allow this.
 * - `temporary`: the store is busy or unreachable, or the connection was lost; the same call may succeed later.
 * - `full`: no space or quota left.
 * - `exists`: an object of this name exists and was not to be replaced.
 * - `replaced`: the object was replaced while it was read.
 * - `locked`: a lock of the store protects the object from removal, until `lockedUntil` where that is known.
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
  | 'locked'
  | 'invalid-name'
  | 'misconfigured'

/** A failed call to a store. The message names store and object, says what to do, and contains no secret. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  /** How long the store asked to be left alone (Retry-After). */
  readonly retryAfterMs: number | undefined
  /** Until when an object is locked. */
  readonly lockedUntil: Date | undefined

  constructor(
    code: StoreErrorCode,
    message: string,
    {
      retryAfterMs,
      lockedUntil,
      ...options
    }: ErrorOptions & { retryAfterMs?: number | undefined; lockedUntil?: Date } = {},
  ) {
    super(message, options)
    this.code = code
    this.retryAfterMs = retryAfterMs
    this.lockedUntil = lockedUntil
  }

  /** Whether the same call may succeed later. */
  get retryable(): boolean {
    return this.code === 'temporary'
  }

  /** The same error after retries in vain. */
  retriedFor(elapsedMs: number): StoreError {
    const message = `${this.message} It failed for ${Math.round(elapsedMs / 1000)} s.`
    return new StoreError(this.code, message, { cause: this.cause })
  }
}

/** The error to report when a call failed and its cleanup failed too: it describes both. */
export function combineErrors(error: unknown, undoing: unknown): StoreError {
  const messageOf = (each: unknown) => (each instanceof Error ? each.message : String(each))
  const { code } = [error, undoing].find((each) => each instanceof StoreError) ?? { code: 'temporary' as const }
  const cause = new AggregateError([error, undoing])
  return new StoreError(code, `${messageOf(error)} Then: ${messageOf(undoing)}`, { cause })
}

/** Whether an error is one of `combineErrors`: something may be left in the store, which no other error reports. */
export function reportsOrphans(error: unknown): boolean {
  return error instanceof StoreError && error.cause instanceof AggregateError
}
