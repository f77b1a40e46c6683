/** The nonce that the Content-Security-Policy of this page allows styles with; empty in development, which has none. */
export function styleNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ''
}
