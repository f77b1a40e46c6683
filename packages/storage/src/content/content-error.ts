/**
 * Why content could not be stored or read back.
 * - `corrupt`: bytes are damaged or missing, or were never written in this format.
 * - `mismatch`: size or digest differ from what was recorded; the object was truncated, changed or replaced.
 * - `wrong-key`: none of the given identities decrypts it.
 * - `invalid-key`: a recipient or an identity is not valid for age.
 * - `program-failed`: the program that compresses is missing, failed or was killed.
 */
export type ContentErrorCode = 'corrupt' | 'mismatch' | 'wrong-key' | 'invalid-key' | 'program-failed'

/** Content that cannot be trusted or decrypted. Retrying does not help. The message contains no key. */
export class ContentError extends Error {
  override readonly name = 'ContentError'
  readonly code: ContentErrorCode
  readonly retryable = false

  constructor(code: ContentErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The failure for an object of which only the root of its manifest was recorded, and whose manifest has no digests of chunks. */
export function noManifest(name: string): ContentError {
  return new ContentError('mismatch', `"${name}" has no manifest with the digests of its chunks any more.`)
}
