/**
 * Why credentials could not be read from CredHub; failure codes of jobs.
 * - `credhub-unavailable`: CredHub or its UAA could not be reached, or was busy.
 * - `credhub-rejected`: it does not accept the manager, has no such credential, or what it has is unusable.
 */
export type CredHubErrorCode = 'credhub-unavailable' | 'credhub-rejected'

/** Credentials could not be read. The message is a sentence without secrets. */
export class CredHubError extends Error {
  override readonly name = 'CredHubError'
  readonly code: CredHubErrorCode

  constructor(code: CredHubErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
