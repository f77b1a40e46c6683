import type { DestinationFailureCode } from '@osb-backup/protocol'
import { StoreError } from './store-error.ts'

/** What makes a store fail, as far as its answers and the system's errors show it. */
export type FailureCause =
  | 'address'
  | 'dns'
  | 'tls'
  | 'connection'
  | 'foreign'
  | 'clock'
  | 'region'
  | 'credentials'
  | 'token'
  | 'bucket'
  | 'permission'
  | 'full'
  | 'encryption'
  | 'storage-class'
  | 'unsupported'
  | 'busy'

/** Codes, names and statuses among the causes of an error, and what they show. The first match counts. */
const signs: readonly [cause: FailureCause, sign: RegExp][] = [
  ['address', /^ERR_ADDRESS_FORBIDDEN$/],
  ['dns', /^(ENOTFOUND|EAI_AGAIN|EAI_NODATA|ENODATA)$/],
  ['tls', /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|EPROTO|HOSTNAME_MISMATCH)/],
  ['connection', /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ECONNRESET|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT|TimeoutError)$/],
  ['foreign', /^(NotS3Answer|NotSwiftAnswer|ForeignStatus|HPE_\w+)$/],
  ['clock', /^(RequestTimeTooSkewed|RequestExpired)$/],
  [
    'region',
    /^(NoSuchRegion|InvalidRegion|PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException|status 301)$/,
  ],
  ['encryption', /^(KMS\.\w+|KMS\w+Exception|ServerSideEncryptionConfigurationNotFoundError)$/],
  ['storage-class', /^(InvalidStorageClass|InvalidObjectState)$/],
  ['token', /^(InvalidToken|ExpiredToken|ExpiredTokenException|TokenRefreshRequired|InvalidClientTokenId)$/],
  ['credentials', /^(InvalidAccessKeyId|SignatureDoesNotMatch|NotSignedUp|CredentialsProviderError|status 401)$/],
  ['full', /^(QuotaExceeded|XMinioStorageFull|EntityTooLarge|InsufficientStorage|status 413|status 507)$/],
  ['bucket', /^(NoSuchBucket|InvalidBucketName|NoSuchContainer)$/],
  ['permission', /^(AccessDenied|AllAccessDisabled|AccountProblem|InvalidPayer|status 403)$/],
  ['unsupported', /^(NotImplemented|XNotImplemented|MethodNotAllowed|status 501|status 405)$/],
  ['busy', /^(SlowDown|ServiceUnavailable|Busy|InternalError|status (429|498|5\d\d))$/],
]

/** What made a store fail; undefined if nothing shows it. */
export function causeOfFailure(error: unknown): FailureCause | undefined {
  const seen = signsOf(error)
  return signs.find(([, sign]) => seen.some((each) => sign.test(each)))?.[0]
}

/** The outermost code, name or status of an error, for messages. */
export function signOfFailure(error: unknown): string {
  return signsOf(error)[0] ?? ''
}

/** What each cause means to people where any kind of store would say the same; it follows a colon. */
const reasons: Partial<Record<FailureCause, string>> = {
  address: 'the operator does not allow its address, or an address that it refers to',
  dns: 'DNS knows no host of that name; correct the address',
  tls: 'no TLS connection to it can be trusted; check its certificate, and whether it speaks https',
  connection: 'nothing answers there, or the connection was lost; check host, port and firewalls',
  clock: 'the clocks of this machine and of the store differ too much; correct them',
  full: 'no space or quota is left, or the object is larger than it takes',
}

/** A cause in words, where every kind of store would use the same. */
export function reasonOf(cause: FailureCause | undefined): string | undefined {
  return cause === undefined ? undefined : reasons[cause]
}

/** The region of the bucket, if the answer of a store names it. */
export function regionInAnswer(error: unknown): string | undefined {
  const answer = error instanceof StoreError ? error.cause : error
  const region = headersOf(answer)['x-amz-bucket-region'] ?? (answer as { Region?: unknown } | undefined)?.Region
  return typeof region === 'string' && /^[a-z\d-]{1,60}$/.test(region) ? region : undefined
}

/** The headers of the answer that an error of the SDK is about. */
export function headersOf(error: unknown): Record<string, string> {
  if (!(error instanceof Error && '$response' in error)) return {}
  const { headers = {} } = (error.$response ?? {}) as { headers?: Record<string, string> }
  return headers
}

const codes: Record<FailureCause, DestinationFailureCode> = {
  address: 'destination-address',
  dns: 'destination-unavailable',
  tls: 'destination-tls',
  connection: 'destination-unavailable',
  foreign: 'destination-protocol',
  clock: 'destination-clock',
  region: 'destination-region',
  credentials: 'destination-credentials',
  token: 'destination-credentials',
  bucket: 'destination-missing',
  permission: 'destination-permission',
  full: 'destination-full',
  encryption: 'destination-settings',
  'storage-class': 'destination-settings',
  unsupported: 'destination-unsupported',
  busy: 'destination-unavailable',
}

/** How programs are told why a store failed: the same in a job and where a destination is checked. */
export function failureCodeOf(error: StoreError): DestinationFailureCode | undefined {
  if (error.retryable) return 'destination-unavailable'
  if (error.code === 'full') return 'destination-full'
  const cause = causeOfFailure(error)
  // A name that no DNS server knows is not expected to appear: another attempt does not help.
  if (cause === 'dns') return 'destination-address'
  if (cause !== undefined && codes[cause] !== 'destination-unavailable') return codes[cause]
  return error.code === 'misconfigured' ? 'destination-settings' : undefined
}

/** Whether the host, bucket or container of a store does not exist, which no other attempt changes. */
export function isStoreMissing(error: unknown): boolean {
  if (!(error instanceof StoreError) || error.retryable) return false
  const cause = causeOfFailure(error)
  return cause === 'dns' || cause === 'bucket'
}

/** Codes, names and statuses along the causes, the outermost first. */
function signsOf(error: unknown, depth = 0): string[] {
  if (!(error instanceof Error) || depth > 5) return []
  const { code, Code, status, $metadata } = error as {
    code?: unknown
    Code?: unknown
    status?: unknown
    $metadata?: { httpStatusCode?: number }
  }
  const own = error instanceof StoreError ? [] : [code, Code, error.name]
  const statuses = [status, $metadata?.httpStatusCode].filter((each) => each !== undefined)
  const inner = error instanceof AggregateError ? error.errors : []
  return [
    ...own.filter((sign) => typeof sign === 'string'),
    ...statuses.map((each) => `status ${each}`),
    ...[error.cause, ...inner].flatMap((each) => signsOf(each, depth + 1)),
  ]
}
