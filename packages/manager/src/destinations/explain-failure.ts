import { StoreError, type StoreSettings, type StoreTerms, stores } from '@osb-backup/storage'

/** Why a destination fails, and the codes, names and statuses among the causes of an error that show it. */
const causes = [
  { cause: 'address', sign: /^ERR_ADDRESS_FORBIDDEN$/ },
  { cause: 'dns', sign: /^(ENOTFOUND|EAI_AGAIN|EAI_NODATA|ENODATA)$/ },
  { cause: 'tls', sign: /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|EPROTO|HOSTNAME_MISMATCH)/ },
  {
    cause: 'connection',
    sign: /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ECONNRESET|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/,
  },
  { cause: 'clock', sign: /^(RequestTimeTooSkewed|RequestExpired)$/ },
  {
    cause: 'region',
    sign: /^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException|status 301)$/,
  },
  { cause: 'credentials', sign: /^(InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|ExpiredToken|status 401)$/ },
  { cause: 'bucket', sign: /^(NoSuchBucket|InvalidBucketName|status 404)$/ },
  { cause: 'permission', sign: /^(AccessDenied|AllAccessDisabled|status 403)$/ },
] as const
type Cause = (typeof causes)[number]['cause']

/**
 * Says in one sentence why a destination does not work, and what to do.
 *
 * @param doing - What was tried, such as `write`.
 */
export function explainFailure(error: StoreError, settings: StoreSettings, doing: string): string {
  const signs = signsOf(error)
  const found = causes.find(({ sign }) => signs.some((each) => sign.test(each)))
  const terms = stores.kindOf(settings).terms(settings)
  if (found === undefined || terms === undefined) return error.message
  return sentenceOf(found.cause, terms, doing, signs[0] ?? '')
}

function sentenceOf(cause: Cause, terms: StoreTerms, doing: string, sign: string): string {
  const { server, container, region } = terms
  switch (cause) {
    case 'address':
      return `the operator does not allow the address of ${server}, or an address that it refers to.`
    case 'dns':
      return `DNS knows no host of that name: correct ${server}, or the catalog behind it (${sign}).`
    case 'tls':
      return `no TLS connection to ${server} can be trusted: check its certificate, and whether it speaks https (${sign}).`
    case 'connection':
      return `nothing answers at ${server}: check host, port and firewalls (${sign}).`
    case 'clock':
      return 'the clocks of the manager and of the store differ too much: correct them.'
    case 'region':
      return `the ${container} is in another region than ${JSON.stringify(region)}: correct the region, or the endpoint.`
    case 'credentials':
      return terms.wrongCredentials
    case 'bucket':
      return `there is no ${container}: create it, or correct its name.`
    case 'permission':
      return `the credentials are valid, but lack the permission to ${doing} in the ${container}.`
  }
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
