import { codeOfConnection, isNeverConnected, systemCodeOf } from '../connection-error.ts'
import { causeOfFailure, reasonOf } from '../failure-cause.ts'
import { StoreError, type StoreErrorCode } from '../store-error.ts'

const advice: Record<StoreErrorCode, string> = {
  absent: 'there is no such object',
  denied: 'the credentials are valid, but the user may not do this in the project',
  temporary: 'it is busy or cannot be reached; try again later',
  full: 'no space or quota is left, or the object is larger than it takes',
  exists: 'an object of this name is there, and may not be replaced',
  replaced: 'it was replaced by another object in the meantime',
  locked: 'a lock of the store protects it from removal',
  'invalid-name': 'it does not take this name',
  misconfigured: 'the settings do not fit it; check auth URL, domain, project, region and certificate',
}

/** What an answer is about, where that tells more than its status. */
export type StatusDetail = 'NoSuchContainer' | 'QuotaExceeded' | 'ForeignStatus'

const reasonByDetail: Record<StatusDetail, string> = {
  NoSuchContainer: 'there is no such container; create it, or correct the destination',
  QuotaExceeded: 'no space or quota is left in the container or the account',
  ForeignStatus: 'what answers is not Swift, but perhaps a proxy or load balancer before it',
}

/** An answer of Swift or Keystone that is not the wished-for one. */
export class UnexpectedStatus extends Error {
  override readonly name = 'UnexpectedStatus'
  readonly status: number
  /** How long the server asked to be left alone. */
  readonly retryAfterMs: number | undefined
  readonly code: StatusDetail | undefined

  constructor(status: number, retryAfterMs?: number, detail?: StatusDetail) {
    super(`Status ${status}`)
    this.status = status
    this.retryAfterMs = retryAfterMs
    this.code = detail
  }
}

/** A successful answer that Swift or Keystone do not give: something else answers there, such as a login page. */
export class NotSwiftAnswer extends Error {
  override readonly name = 'NotSwiftAnswer'
}

/** The catalog of Keystone has no endpoint in the region of the settings. */
export class NoSuchRegion extends Error {
  override readonly name = 'NoSuchRegion'
}

/** Turns a failed request into a `StoreError`; one that already is one is returned unchanged. */
export function toSwiftStoreError(error: unknown, doing: string): StoreError {
  if (error instanceof StoreError) return error
  if (error instanceof NotSwiftAnswer) {
    const reason = 'what answers there is not Swift, but perhaps a login page or a proxy; check the URLs'
    return new StoreError('misconfigured', `Could not ${doing}: ${reason}.`, { cause: error })
  }
  if (error instanceof UnexpectedStatus) {
    const { status, retryAfterMs, code: detail } = error
    const code = codeOf(error)
    const reason = detail === undefined ? reasonOfStatus(status, code) : reasonByDetail[detail]
    return new StoreError(code, `Could not ${doing}: ${reason} (${status}).`, { cause: error, retryAfterMs })
  }
  const code = codeOfConnection(systemCodeOf(error))
  const seen = systemCodeOf(error) ?? (error instanceof Error ? error.name : 'unknown')
  const reason = reasonOf(causeOfFailure(error)) ?? advice[code]
  return new StoreError(code, `Could not ${doing}: ${reason} (${seen}).`, { cause: error })
}

/** As `toSwiftStoreError`, for a login: there each status has a meaning of its own. */
export function toLoginError(error: unknown, doing: string): StoreError {
  if (!(error instanceof UnexpectedStatus)) return toSwiftStoreError(error, doing)
  const { status, retryAfterMs } = error
  const code = status === 404 || status === 405 || status < 400 ? 'misconfigured' : codeOf(error)
  const reason = loginReasons[status] ?? (status < 400 ? loginReasons[404] : advice[code])
  return new StoreError(code, `Could not ${doing}: ${reason} (${status}).`, { cause: error, retryAfterMs })
}

const loginReasons: Readonly<Record<number, string>> = {
  400: 'the login is not accepted in this form; check the version of the auth URL, and domains and project',
  401: 'user, password, domain or project are wrong; it does not say which',
  403: 'the user may not log in there, or has no role in the project',
  404: 'there is no login of this version at the URL; check the auth URL',
  405: 'there is no login of this version at the URL; check the auth URL',
}

function reasonOfStatus(status: number, code: StoreErrorCode): string {
  if (status === 401) return 'it does not accept the token of the login; check that auth URL and region belong together'
  if (status === 501 || status === 405) return 'it does not support that; another attempt will not help'
  return advice[code]
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
  if (error instanceof UnexpectedStatus) {
    return error.status < 500 && error.status !== 408 && error.code !== 'ForeignStatus'
  }
  return isNeverConnected(systemCodeOf(error))
}

function codeOf({ status, code: detail }: UnexpectedStatus): StoreErrorCode {
  // A proxy that has lost its server answers like this. That the object is missing is not known.
  if (status === 404 && detail === 'ForeignStatus') return 'temporary'
  if (detail === 'QuotaExceeded') return 'full'
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
    case 501:
      return 'misconfigured'
    default:
      return status >= 500 ? 'temporary' : 'misconfigured'
  }
}
