/** Where the identity provider sends users back to (packages/manager/src/http/dashboard.ts). */
export const SIGN_IN_PATH = '/sign-in'

/** What a sign-in that the user completes at the identity provider is recognized by. No token, and of no use afterwards. */
export interface PendingSignIn {
  state: string
  nonce: string
  codeVerifier: string
  /** Path and query of the page that the user wanted. */
  returnTo: string
}

/** What the identity provider answered, and the sign-in that it belongs to; undefined if this window started none. */
export interface ProviderAnswer {
  url: URL
  pending: PendingSignIn | undefined
}

const KEY = 'osb-backup.pending-sign-in'

/** Keeps a sign-in while the identity provider has the window. */
export function storePending(pending: PendingSignIn): void {
  sessionStorage.setItem(KEY, JSON.stringify(pending))
}

/**
 * Takes the answer of the identity provider out of the address, so that neither history nor a reload has it, and leaves the
 * address of the page that the user wanted.
 *
 * @returns Undefined if the page was not opened by the identity provider.
 */
export function takeProviderAnswer(): ProviderAnswer | undefined {
  if (window.location.pathname !== SIGN_IN_PATH) return undefined
  const url = new URL(window.location.href)
  const pending = takePending()
  window.history.replaceState(null, '', pending?.returnTo ?? '/')
  return ['code', 'error', 'state'].some((name) => url.searchParams.has(name)) ? { url, pending } : undefined
}

function takePending(): PendingSignIn | undefined {
  const text = sessionStorage.getItem(KEY)
  sessionStorage.removeItem(KEY)
  return text === null ? undefined : (JSON.parse(text) as PendingSignIn)
}
