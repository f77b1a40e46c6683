/**
 * Why a request is refused. `http/answer-errors.ts` gives each its status.
 * - `invalid`: the request is wrong; `field` says where.
 * - `unauthorised`: no token, or not one of ours.
 * - `forbidden`: the caller's role is not enough.
 * - `slow-down`: too often; `retryAfterSeconds` says when to try again.
 * - `not-found`: no such thing.
 * - `conflict`: not in the present state.
 * - `changed`: somebody else changed the thing since it was read.
 */
export type RequestErrorCode =
  | 'invalid'
  | 'unauthorised'
  | 'forbidden'
  | 'slow-down'
  | 'not-found'
  | 'conflict'
  | 'changed'

/** A request that cannot be served. The message is a sentence for the person who sent it, without secrets. */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly code: RequestErrorCode
  readonly field: string | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: RequestErrorCode,
    message: string,
    options: ErrorOptions & { field?: string; retryAfterSeconds?: number } = {},
  ) {
    super(message, options)
    this.code = code
    this.field = options.field
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

/** The refusal for a thing that is not there. */
export function notFound(what: string, id: string): RequestError {
  return new RequestError('not-found', `There is no ${what} ${JSON.stringify(id)}.`)
}
