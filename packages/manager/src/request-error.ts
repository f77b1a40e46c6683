/**
 * Why a request is refused. `http/answer-errors.ts` gives each its status.
 * - `invalid`: the request is wrong; `field` says where.
 * - `unauthorised`: no token, or not one of ours.
 * - `not-found`: no such thing.
 * - `conflict`: not in the present state.
 */
export type RequestErrorCode = 'invalid' | 'unauthorised' | 'not-found' | 'conflict'

/** A request that cannot be served. The message is a sentence for the person who sent it, without secrets. */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly code: RequestErrorCode
  readonly field: string | undefined

  constructor(code: RequestErrorCode, message: string, options: ErrorOptions & { field?: string } = {}) {
    super(message, options)
    this.code = code
    this.field = options.field
  }
}

/** The refusal for a thing that is not there. */
export function notFound(what: string, id: string): RequestError {
  return new RequestError('not-found', `There is no ${what} ${JSON.stringify(id)}.`)
}
