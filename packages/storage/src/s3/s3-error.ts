import { codeOfConnection, isNeverConnected, systemCodeOf } from '../connection-error.ts'
import { causeOfFailure, type FailureCause, headersOf, reasonOf, regionInAnswer } from '../failure-cause.ts'
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
  InvalidToken: 'denied',
  TokenRefreshRequired: 'denied',
  CredentialsProviderError: 'denied',
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
  InvalidStorageClass: 'misconfigured',
  InvalidObjectState: 'misconfigured',
  InvalidPart: 'misconfigured',
  InvalidPartOrder: 'misconfigured',
  EntityTooSmall: 'misconfigured',
  MalformedXML: 'misconfigured',
  InvalidDigest: 'misconfigured',
  NotS3Answer: 'misconfigured',
  NotImplemented: 'misconfigured',
  XNotImplemented: 'misconfigured',
  MethodNotAllowed: 'misconfigured',
}

const advice: Record<StoreErrorCode, string> = {
  absent: 'there is no such object or bucket',
  denied: 'access key and secret are wrong or do not allow this',
  temporary: 'it is busy or cannot be reached; try again later',
  full: 'no space or quota is left, or the object is larger than it takes',
  locked: 'a lock of the store protects it from removal',
  'invalid-name': 'it does not take this name',
  exists: 'an object of this name is there, and may not be replaced',
  replaced: 'it was replaced by another object in the meantime',
  misconfigured: 'the settings do not fit it; check endpoint, region, bucket, certificate and the clock',
}

const reasonByName: Record<string, string> = {
  NoSuchKey: 'there is no such object',
  NotFound: 'there is no such object',
  InvalidAccessKeyId: 'the access key is not known there',
  SignatureDoesNotMatch: 'the secret does not belong to the access key',
  InvalidBucketName: 'no bucket can have this name; correct the destination',
  InvalidObjectState: 'it is archived and must be restored in the store first; choose another storage class',
  KeyTooLongError: 'it does not take so long a name',
  CredentialsProviderError:
    'no credentials were found where the destination says; check the environment of this program',
}

const reasonByCause: Partial<Record<FailureCause, string>> = {
  bucket: 'there is no such bucket; create it, or correct the destination',
  credentials: 'access key and secret are not accepted',
  token: 'the session token is wrong or has expired; store new temporary credentials, or lasting ones',
  permission: 'the credentials are valid, but do not allow this',
  encryption: 'the store could not encrypt it; check the KMS key and the right to use it',
  'storage-class': 'the store has no such storage class',
  unsupported: 'this store does not support that, or a header of it; another attempt will not help',
  foreign: 'what answers there is not S3, but perhaps a login page or a proxy; check the endpoint',
}

/** What the SDK calls answers without a body, such as all that HEAD gets, and those that name no code. */
const namelessNames: ReadonlySet<string> = new Set(['Unknown', 'UnknownError', 'BadRequest', 'Forbidden', 'Error', ''])

function reasonFor(error: unknown, code: StoreErrorCode): string {
  const name = nameOf(error)
  if (isForeignStatus(error)) return 'what answers is not S3, but perhaps a proxy or load balancer before it'
  const cause = causeOfFailure(error)
  if (cause === 'region') {
    const region = regionInAnswer(error)
    const where = region === undefined ? 'another region' : `the region ${JSON.stringify(region)}`
    return `the bucket is in ${where}; correct the region, or the endpoint`
  }
  if (isUnreadable(error)) return 'its answer could not be read; is it compatible with S3?'
  if (isNameless(error) && code === 'denied') return advice.denied
  const reason = reasonByName[name] ?? reasonOf(cause) ?? (cause && reasonByCause[cause])
  if (reason !== undefined) return reason
  if (isNameless(error)) {
    return 'the store rejects the request without a reason; check region, bucket and endpoint'
  }
  return advice[code]
}

/** Whether an answer can only come from an S3 server: those number their answers, and give errors a code. */
function isFromS3(error: unknown): boolean {
  const headers = headersOf(error)
  return headers['x-amz-request-id'] !== undefined || headers['x-amz-id-2'] !== undefined
}

/**
 * Whether something between here and the store may have given an answer. Its 404 does not say that an object or an upload is
 * gone: a load balancer whose server is being restarted answers like this.
 */
function isForeignStatus(error: unknown): boolean {
  const status = statusOf(error)
  if (status === undefined || status < 300 || status >= 500 || isFromS3(error)) return false
  return status === 404 ? !/^NoSuch/.test(nameOf(error)) : isPage(error)
}

function isPage(error: unknown): boolean {
  return /^(text\/html|application\/xhtml)/i.test(headersOf(error)['content-type'] ?? '')
}

/** Whether the SDK failed to parse a successful answer. */
function isUnreadable(error: unknown): boolean {
  return statusOf(error) === 200 || error instanceof TypeError || error instanceof SyntaxError
}

/** Turns what the SDK threw into a `StoreError`; one that already is one is returned unchanged. */
export function toS3StoreError(error: unknown, doing: string): StoreError {
  if (error instanceof StoreError) return error
  const code = codeOf(error)
  const reason = reasonFor(error, code)
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

/**
 * Whether a server may have refused a request for a header that it does not know. It had no effect then, and may be repeated
 * without the header.
 */
export function mayRefuseHeader(error: unknown): boolean {
  const status = statusOf(error)
  const name = nameOf(error)
  return status === 501 || (status === 400 && (name === 'NotImplemented' || codeByName[name] === undefined))
}

/** Whether a server does not know a request at all. */
export function isUnsupported(error: unknown): boolean {
  const status = statusOf(error)
  return status === 501 || status === 405 || nameOf(error) === 'NotImplemented'
}

/** Whether S3 itself says that an upload no longer exists, since it was completed or aborted. */
export function isNoSuchUpload(error: unknown): boolean {
  return (
    nameOf(error) === 'NoSuchUpload' || (statusOf(error) === 404 && isFromS3(error) && nameOf(error) !== 'NoSuchBucket')
  )
}

/** Whether S3 itself says that an object does not exist. A HEAD has no body, so there the bucket may be missing too. */
export function isNoSuchObject(error: unknown): boolean {
  return (
    nameOf(error) === 'NoSuchKey' || (statusOf(error) === 404 && isFromS3(error) && nameOf(error) !== 'NoSuchBucket')
  )
}

/** Whether an answer refuses a request and does not name the reason: those to HEAD have no body. */
export function isNameless(error: unknown): boolean {
  const status = statusOf(error) ?? 0
  return status >= 300 && status < 500 && status !== 404 && namelessNames.has(nameOf(error))
}

/** Whether an answer of 404 does not show who gave it. */
export function isUnproven404(error: unknown): boolean {
  return statusOf(error) === 404 && isForeignStatus(error)
}

/**
 * Whether the call certainly had no effect. After a timeout or a lost connection it may have had one, and NoSuchUpload
 * may be the answer to a repeated request whose first one completed the upload.
 */
export function isRefusal(error: unknown): boolean {
  if (error instanceof StoreError && error.code === 'exists') return true
  const seen = error instanceof StoreError ? error.cause : error
  const status = statusOf(seen)
  if (status === undefined) return isNeverConnected(systemCodeOf(seen))
  return status < 500 && status !== 408 && nameOf(seen) !== 'NoSuchUpload' && !isUnproven404(seen)
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
  if (isUnproven404(error)) return 'temporary'
  if (isUnreadable(error) && systemCodeOf(error) === undefined) return 'misconfigured'
  return codeByName[nameOf(error)] ?? codeOfStatus(statusOf(error)) ?? codeOfConnection(systemCodeOf(error))
}

function codeOfStatus(status: number | undefined): StoreErrorCode | undefined {
  if (status === undefined) return undefined
  if (status === 401 || status === 403) return 'denied'
  if (status === 404) return 'absent'
  if (status === 412 || status === 416) return 'replaced'
  if (status === 507) return 'full'
  if (status === 501 || status === 405) return 'misconfigured'
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

/** Whether the connection broke while the request was sent or its answer was awaited. */
export function isBrokenConnection(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
}
