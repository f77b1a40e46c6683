/**
 * Why a token, or its grants, cannot be checked.
 * - `unreachable`: no answer, or one that asks to retry.
 * - `unusable-answer`: what answered is not what the settings promise.
 */
export type IdentityProviderErrorCode = 'unreachable' | 'unusable-answer'

/**
 * The identity provider or Cloud Foundry could not be asked. The token may be valid, so the answer is 503 and not 401 or
 * 404, and access is denied. The message is a sentence for the caller; the details are in the `cause`, for the log.
 */
export class IdentityProviderError extends Error {
  override readonly name = 'IdentityProviderError'
  readonly code: IdentityProviderErrorCode

  constructor(code: IdentityProviderErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options)
    this.code = code
  }

  /** Whether a retry may succeed without any change here. */
  get retryable(): boolean {
    return this.code === 'unreachable'
  }
}
