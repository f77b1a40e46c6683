/**
 * The manager refused a call, or could not be reached. The message is a sentence for people.
 * `status` is the HTTP status; undefined if no answer came.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number | undefined
  /** The part of the request that is wrong, where the manager names one. */
  readonly field: string | undefined

  constructor(message: string, options: ErrorOptions & { status?: number; field?: string | undefined } = {}) {
    super(message, options)
    this.status = options.status
    this.field = options.field
  }
}
