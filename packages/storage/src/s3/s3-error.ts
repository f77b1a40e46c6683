import { codeOfConnection, isNeverConnected, systemCodeOf } from '../connection-error.ts'
import { parseRetryAfter } from '../retry-after.ts'
import { StoreError, type StoreErrorCode } from '../store-error.ts'

/** S3's own error names, where they say more than the HTTP status. */
const codeByName: Record<string, StoreErrorCode> = {
  NoSuchBucket: 'absent',
  NoSuchKey: 'absent',
  NotFound: 'absent',
  AccessDenied: 'denied',
  AllAccessDisabled: 'denied',
  InvalidAccessKeyId: 'denied',
  SignatureDoesNotMatch: 'denied',
  ExpiredToken: 'denied',
  SlowDown: 'temporary',
  ServiceUnavailable: 'temporary',
  InternalError: 'temporary',
  RequestTimeout: 'temporary',
  BadDigest: 'temporary',
  IncompleteBody: 'temporary',
  XAmzContentSHA256Mismatch: 'temporary',
  PreconditionFailed: 'replaced',
  ConditionalRequestConflict: 'temporary',
  InvalidRange: 'replaced',
  TimeoutError: 'temporary',
  QuotaExceeded: 'full',
  XMinioStorageFull: 'full',
  EntityTooLarge: 'full',
  KeyTooLongError: 'invalid-name',
  XMinioInvalidObjectName: 'invalid-name',
  RequestTimeTooSkewed: 'misconfigured',
  PermanentRedirect: 'misconfigured',
  AuthorizationHeaderMalformed: 'misconfigured',
  IllegalLocationConstraintException: 'misconfigured',
  InvalidBucketName: 'misconfigured',
  NotS3Answer: 'misconfigured',
  NotImplemented: 'misconfigured',
}

const advice: Record<StoreErrorCode, string> = {
  absent: 'there is no such bucket: create it, or correct the destination',
  denied: 'access key and secret are wrong or do not allow this',
  temporary: 'it is busy or cannot be reached; try again later',
  full: 'no space or quota is left, or the object is larger than it takes',
  'invalid-name': 'it does not take this name',
  exists: 'an object of this name is there, and may not be replaced',
  replaced: 'it was replaced by another object in the meantime',
  misconfigured: 'the settings do not fit it; check endpoint, region, bucket, certificate and the clock',
}

const reasonByName: Record<string, string> = {
  NoSuchKey: 'there is no such object',
  RequestTimeTooSkewed: 'the clocks of this machine and of the store differ too much; correct them',
  InvalidAccessKeyId: 'the access key is not known there',
  SignatureDoesNotMatch: 'the secret does not belong to the access key',
  NotImplemented: 'this store does not support that, or a header of it; another attempt will not help',
  NotS3Answer: 'what answers there is not S3, but perhaps a login page or a proxy; check the endpoint',
}

const wrongRegionNames: ReadonlySet<string> = new Set([
  'PermanentRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
])
/** What the SDK calls answers without a body, such as all that HEAD gets. */
const namelessNames: ReadonlySet<string> = new Set(['Unknown', 'UnknownError', 'BadRequest'])

function reasonOf(error: unknown, code: StoreErrorCode): string {
  const [name, status] = [nameOf(error), statusOf(error)]
  if (wrongRegionNames.has(name) || status === 301) {
    const region = headersOf(error)['x-amz-bucket-region']
    const where = region === undefined ? 'another region' : `the region ${JSON.stringify(region.slice(0, 60))}`
    return `the bucket is in ${where}; correct the region, or the endpoint`
  }
  if (status === 501) return reasonByName.NotImplemented ?? advice[code]
  if (namelessNames.has(name) && status === 400) {
    return 'the store rejects the request without a reason; check region, bucket and endpoint'
  }
  return reasonByName[name] ?? advice[code]
}

/** Turns what the SDK threw into a `StoreError`; one that already is one is returned unchanged. */
export function toS3StoreError(error: unknown, doing: string): StoreError {
  if (error instanceof StoreError) return error
  const code = codeOf(error)
  const reason = reasonOf(error, code)
  const retryAfterMs = retryAfterOf(error)
  return new StoreError(code, `Could not ${doing}: ${reason}${hint(error)}.`, { cause: error, retryAfterMs })
}

/** As `toS3StoreError`, for an upload: there only an object that must be new has a condition. */
export function toS3UploadError(error: unknown, doing: string): StoreError {
  if (error instanceof StoreError || statusOf(error) !== 412) return toS3StoreError(error, doing)
  return new StoreError('exists', `Could not ${doing}: ${advice.exists}.`, { cause: error })
}

/** How long S3 asked to be left alone. */
function retryAfterOf(error: unknown): number | undefined {
  return parseRetryAfter(headersOf(error)['retry-after'], new Date())
}

function headersOf(error: unknown): Record<string, string> {
  if (!(error instanceof Error && '$response' in error)) return {}
  const { headers = {} } = (error.$response ?? {}) as { headers?: Record<string, string> }
  return headers
}

/** Whether a server says that it does not support a condition of a request. */
export function isConditionUnknown(error: unknown): boolean {
  return statusOf(error) === 501
}

/** Whether an upload no longer exists, since it was completed or aborted. */
export function isNoSuchUpload(error: unknown): boolean {
  return nameOf(error) === 'NoSuchUpload' || statusOf(error) === 404
}

/**
 * Whether the call certainly had no effect. After a timeout or a lost connection it may have had one, and NoSuchUpload
 * may be the answer to a repeated request whose first one completed the upload.
 */
export function isRefusal(error: unknown): boolean {
  const seen = error instanceof StoreError ? error.cause : error
  const status = statusOf(seen)
  if (status === undefined) return isNeverConnected(systemCodeOf(seen))
  return status < 500 && status !== 408 && nameOf(error) !== 'NoSuchUpload'
}

/** HTTP status of S3's answer; undefined where there was none. */
export function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined
  const metadata = error.$metadata as { httpStatusCode?: number } | undefined
  return metadata?.httpStatusCode
}

/** The name that S3 gave an error. HEAD has no body, so it says no more than `NotFound`. */
export function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  // Codes that the SDK does not know are in `Code`; their name is generic.
  return 'Code' in error && typeof error.Code === 'string' ? error.Code : error.name
}

function codeOf(error: unknown): StoreErrorCode {
  return codeByName[nameOf(error)] ?? codeOfStatus(statusOf(error)) ?? codeOfConnection(systemCodeOf(error))
}

function codeOfStatus(status: number | undefined): StoreErrorCode | undefined {
  if (status === undefined) return undefined
  if (status === 401 || status === 403) return 'denied'
  if (status === 404) return 'absent'
  if (status === 412 || status === 416) return 'replaced'
  if (status === 507) return 'full'
  if (status === 501) return 'misconfigured'
  if (status === 408 || status === 429 || status >= 500) return 'temporary'
  return status >= 300 ? 'misconfigured' : 'temporary'
}

/** Details for diagnosis; names and numbers only, since messages may quote requests. */
function hint(error: unknown): string {
  const status = statusOf(error)
  const name = systemCodeOf(error) ?? nameOf(error)
  // `Unknown` says nothing to people that the status does not.
  const seen = [status !== undefined && name.startsWith('Unknown') ? '' : name, status].filter(
    (part) => part !== undefined && part !== '',
  )
  return seen.length > 0 ? ` (${seen.join(', ')})` : ''
}
