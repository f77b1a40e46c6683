import type { DestinationFailureCode } from '@osb-backup/protocol'

/**
 * Why a request is refused. `http/problems.ts` maps each to an HTTP status.
 * - `invalid`: the request is wrong; `field` says where.
 * - `unknown-field`: the request has a field that there is none of; `field` says which.
 * - `unauthorised`: no credentials, or invalid ones.
 * - `forbidden`: the caller's role does not allow it.
 * - `item-not-granted`: an item belongs to another service instance, or was not declared.
 * - `slow-down`: too many attempts; `retryAfterSeconds` says when to try again.
 * - `not-found`: it does not exist, or the caller was not granted it.
 * - `conflict`: the current state does not allow it.
 * - `database-busy`: another job works on the database; `jobId` says which.
 * - `key-reused`: the idempotency key was used for another request.
 * - `changed`: it was changed since it was read.
 * - `not-ready`: this manager cannot serve requests at the moment.
 */
export type RequestErrorCode =
  | 'invalid'
  | 'unknown-field'
  | 'unauthorised'
  | 'forbidden'
  | 'item-not-granted'
  | 'slow-down'
  | 'not-found'
  | 'conflict'
  | 'database-busy'
  | 'key-reused'
  | 'changed'
  | 'not-ready'

/** A request that cannot be served. The message is a sentence for the person who sent it, without secrets. */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly code: RequestErrorCode
  readonly field: string | undefined
  readonly retryAfterSeconds: number | undefined
  /** The job that prevents it. */
  readonly jobId: string | undefined
  /** Why a destination cannot be used: the code that a job would fail with. */
  readonly failureCode: DestinationFailureCode | undefined

  constructor(
    code: RequestErrorCode,
    message: string,
    options: ErrorOptions & {
      field?: string
      retryAfterSeconds?: number
      jobId?: string
      failureCode?: DestinationFailureCode
    } = {},
  ) {
    super(message, options)
    this.code = code
    this.field = options.field
    this.retryAfterSeconds = options.retryAfterSeconds
    this.jobId = options.jobId
    this.failureCode = options.failureCode
  }
}

/** The refusal of a request for something that does not exist. */
export function notFound(what: string, id: string): RequestError {
  return new RequestError('not-found', `There is no ${what} ${JSON.stringify(id)}.`)
}

/** The refusal of an edit of a version that is not the current one. */
export function changedMeanwhile(): RequestError {
  return new RequestError('changed', 'This was changed since you read it: read it again and repeat your change.')
}
