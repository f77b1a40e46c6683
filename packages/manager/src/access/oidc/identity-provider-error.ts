/**
 * Why nobody can say what a token is worth, or grants.
 * - `unreachable`: no answer, or one that says to come again.
 * - `unusable-answer`: what answered is not what the settings say it is.
 */
export type IdentityProviderErrorCode = 'unreachable' | 'unusable-answer'

/**
 * The identity provider or Cloud Foundry could not be asked. Says nothing about the token: it may be good, so the answer
 * is 503 and not 401 or 404, and nobody is let in. The message is a sentence for the caller; what went wrong in detail is
 * the `cause`, for the log.
 */
export class IdentityProviderError extends Error {
  override readonly name = 'IdentityProviderError'
  readonly code: IdentityProviderErrorCode

  constructor(code: IdentityProviderErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options)
    this.code = code
  }

  /** Whether the same may go well in a while, with nothing mended here. */
  get retryable(): boolean {
    return this.code === 'unreachable'
  }
}
