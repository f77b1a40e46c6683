import type { StoreErrorCode } from './store-error.ts'

const hopeless =
  /^(ENOTFOUND|ERR_ADDRESS_FORBIDDEN|ERR_TLS_|ERR_SSL_|ERR_INVALID_URL|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HPE_|EPROTO)/

/**
 * Classifies a failed connection. An unknown host, a bad certificate and an answer in another protocol are permanent
 * until the settings are changed; the others (refused, reset, timed out, `EAI_AGAIN`) are temporary.
 */
export function codeOfConnection(systemCode: string | undefined): StoreErrorCode {
  return systemCode !== undefined && hopeless.test(systemCode) ? 'misconfigured' : 'temporary'
}

/** Whether a connection's failure proves that nothing was sent over it. */
export function isNeverConnected(systemCode: string | undefined): boolean {
  const isUnreachable = /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|UND_ERR_CONNECT_TIMEOUT)$/
  return systemCode !== undefined && (isUnreachable.test(systemCode) || hopeless.test(systemCode))
}

/** The first `code` such as `ECONNREFUSED` among an error and its causes, also inside an `AggregateError`. */
export function systemCodeOf(error: unknown, depth = 0): string | undefined {
  if (!(error instanceof Error) || depth > 5) return undefined
  if ('code' in error && typeof error.code === 'string' && error.code !== 'UND_ERR_SOCKET') return error.code
  const inner = error instanceof AggregateError ? error.errors : []
  for (const cause of [error.cause, ...inner]) {
    const code = systemCodeOf(cause, depth + 1)
    if (code) return code
  }
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
