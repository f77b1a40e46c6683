import type { ProblemCode } from '@osb-backup/protocol/v1'

/** The manager refused a call, or could not be reached. The message is a sentence for people. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** The HTTP status; undefined if no answer came. */
  readonly status: number | undefined
  /** What happened, for programs; undefined if it was not the manager that answered. */
  readonly code: ProblemCode | undefined
  /** The invalid field of the request, if there is one. */
  readonly field: string | undefined
  /** The job that prevents it, where one does. */
  readonly jobId: string | undefined

  constructor(
    message: string,
    options: ErrorOptions & {
      status?: number | undefined
      code?: ProblemCode | undefined
      field?: string | undefined
      jobId?: string | undefined
    } = {},
  ) {
    super(message, options)
    this.status = options.status
    this.code = options.code
    this.field = options.field
    this.jobId = options.jobId
  }
}
