import { codeOfConnection, isNeverConnected, systemCodeOf } from '../connection-error.ts'
import { StoreError, type StoreErrorCode } from '../store-error.ts'

const advice: Record<StoreErrorCode, string> = {
  absent: 'there is no such container or object: create the container, or correct the destination',
  denied: 'user and password are wrong, or the user may not do this in the project',
  temporary: 'it is busy or cannot be reached; try again later',
  full: 'no space or quota is left, or the object is larger than it takes',
  exists: 'an object of this name is there, and may not be replaced',
  replaced: 'it was replaced by another object in the meantime',
  'invalid-name': 'it does not take this name',
  misconfigured: 'the settings do not fit it; check auth URL, domain, project, region and certificate',
}

/** An answer of Swift or Keystone that is not the wished-for one. */
export class UnexpectedStatus extends Error {
  override readonly name = 'UnexpectedStatus'
  readonly status: number
  /** How long the server asked to be left alone. */
  readonly retryAfterMs: number | undefined

  constructor(status: number, retryAfterMs?: number) {
    super(`Status ${status}`)
    this.status = status
    this.retryAfterMs = retryAfterMs
  }
}

/** A successful answer that Swift or Keystone do not give: something else answers there, such as a login page. */
export class NotSwiftAnswer extends Error {
  override readonly name = 'NotSwiftAnswer'
}

/** Turns a failed request into a `StoreError`; one that already is one is returned unchanged. */
export function toSwiftStoreError(error: unknown, doing: string): StoreError {
  if (error instanceof StoreError) return error
  if (error instanceof NotSwiftAnswer) {
    const reason = 'what answers there is not Swift, but perhaps a login page or a proxy; check the URLs'
    return new StoreError('misconfigured', `Could not ${doing}: ${reason}.`, { cause: error })
  }
  const isAnswer = error instanceof UnexpectedStatus
  const code = isAnswer ? codeOfStatus(error.status) : codeOfConnection(systemCodeOf(error))
  const seen = isAnswer ? error.status : (systemCodeOf(error) ?? (error instanceof Error ? error.name : 'unknown'))
  const retryAfterMs = isAnswer ? error.retryAfterMs : undefined
  return new StoreError(code, `Could not ${doing}: ${advice[code]} (${seen}).`, { cause: error, retryAfterMs })
}

/** Whether Swift did not do what was asked for since its condition does not hold. */
export function isConditionFailed(error: unknown): boolean {
  return error instanceof UnexpectedStatus && error.status === 412
}

/** As `toSwiftStoreError`, for an upload: there only an object that must be new has a condition. */
export function toSwiftUploadError(error: unknown, doing: string): StoreError {
  if (!isConditionFailed(error)) return toSwiftStoreError(error, doing)
  return new StoreError('exists', `Could not ${doing}: ${advice.exists}.`, { cause: error })
}

/** Whether the call certainly had no effect. After a timeout, a lost connection or a 5xx it may have had one. */
export function isRefusal(error: unknown): boolean {
  // A failed login is a StoreError: the request itself was never sent. Others are judged by their cause.
  if (error instanceof StoreError && error.cause === undefined) return true
  if (error instanceof StoreError) return isRefusal(error.cause)
  if (error instanceof UnexpectedStatus) return error.status < 500 && error.status !== 408
  return isNeverConnected(systemCodeOf(error))
}

function codeOfStatus(status: number): StoreErrorCode {
  switch (status) {
    case 401:
    case 403:
      return 'denied'
    case 404:
      return 'absent'
    case 412:
    case 416:
      return 'replaced'
    case 413:
    case 507:
      return 'full'
    // 409: something newer lies there; 422: bytes changed on the way; 498 and 429: too many requests.
    case 408:
    case 409:
    case 422:
    case 429:
    case 498:
    case 499:
      return 'temporary'
    default:
      return status >= 500 ? 'temporary' : 'misconfigured'
  }
}
