/** What is asked of a service broker that creates or deletes something there. */
export type BrokerRequest = 'provision' | 'bind' | 'unbind' | 'deprovision'

/** What became of a request to a service broker. */
export type BrokerReply =
  | {
      kind: 'answer'
      status: number
      /** Whether the body is a JSON object with what the specification requires in it. */
      isWellFormed: boolean
      /** The error code of the specification, such as `ConcurrencyError`. */
      error?: string | undefined
    }
  /** It may have reached the broker: the time was up, or the connection broke before the answer was complete. */
  | { kind: 'no-answer' }
  /** It cannot have reached the broker: there was no connection. */
  | { kind: 'not-sent' }

/**
 * What follows from a reply:
 * - `done`: what was asked for exists, or is deleted.
 * - `in-progress`: the broker works on it; `last_operation` says how that ends.
 * - `again`: nothing was changed, and the same request may succeed later.
 * - `failed`: it will not exist. With `mayExist` it has to be deleted all the same, until the broker confirms that.
 */
export type BrokerOutcome =
  | { kind: 'done' }
  | { kind: 'in-progress' }
  | { kind: 'again' }
  | { kind: 'failed'; mayExist: boolean }

const done = { kind: 'done' } as const
const again = { kind: 'again' } as const
const failed = (mayExist: boolean) => ({ kind: 'failed', mayExist }) as const

/**
 * Interprets the reply to a request as the table of the section "Orphan Mitigation" of the Open Service Broker API does.
 *
 * @param mayExistBefore - An earlier attempt at the same request may have reached the broker, without a known outcome. Then a
 *   rejection of this one does not say that nothing exists.
 */
export function outcomeOf(request: BrokerRequest, reply: BrokerReply, mayExistBefore = false): BrokerOutcome {
  return request === 'provision' || request === 'bind' ? creation(reply, mayExistBefore) : deletion(reply)
}

function creation(reply: BrokerReply, mayExistBefore: boolean): BrokerOutcome {
  if (reply.kind === 'not-sent') return again
  if (reply.kind === 'no-answer') return failed(true)
  const { status, isWellFormed, error } = reply
  // The broker says that it exists. If the body cannot be used, it is deleted like anything else that is not needed.
  if (status === 200 || status === 201) return isWellFormed ? done : failed(true)
  if (status === 202) return { kind: 'in-progress' }
  if (isLater(status, error)) return again
  if (status >= 400 && status < 500) return failed(mayExistBefore)
  return failed(true)
}

/** What may exist is remembered until the broker says that it does not. */
function deletion(reply: BrokerReply): BrokerOutcome {
  if (reply.kind !== 'answer') return again
  const { status, isWellFormed } = reply
  if (status === 410 || (status === 200 && isWellFormed)) return done
  return status === 202 ? { kind: 'in-progress' } : again
}

/** The request was not received, came too often, or while another operation was in progress. */
const isLater = (status: number, error: string | undefined) =>
  status === 408 || status === 429 || (status === 422 && error === 'ConcurrencyError')

/** What `last_operation` says: `pending` also where the answer is none that the specification knows. */
export type LastOperation = 'pending' | 'succeeded' | 'failed'

/**
 * Interprets an answer of `last_operation`. 410 ends a deletion; in everything else only its own words end an operation.
 *
 * @param state - The field `state` of the body, if it has one.
 */
export function lastOperationOf(request: BrokerRequest, reply: BrokerReply, state: string | undefined): LastOperation {
  if (reply.kind !== 'answer') return 'pending'
  const isDeletion = request === 'unbind' || request === 'deprovision'
  if (reply.status === 410 && isDeletion) return 'succeeded'
  if (reply.status !== 200) return 'pending'
  return state === 'succeeded' || state === 'failed' ? state : 'pending'
}

const FIRST_PAUSE_SECONDS = 1
/** Longest pause before something is deleted again. */
const LONGEST_PAUSE_SECONDS = 600
/** Limits of what a broker may ask for with `Retry-After`. */
const LONGEST_RETRY_AFTER_SECONDS = 300
/** Longest pause between two polls that the broker did not ask for. */
const LONGEST_POLL_SECONDS = 30

/** The longest pause between two calls for one instance. */
export const LONGEST_BROKER_PAUSE_SECONDS = LONGEST_PAUSE_SECONDS

/** The pause before a request is repeated: twice as long after each attempt. */
export function brokerPauseSeconds(attempts: number, retryAfterSeconds?: number): number {
  return atLeast(retryAfterSeconds, Math.min(FIRST_PAUSE_SECONDS * 2 ** Math.min(attempts, 20), LONGEST_PAUSE_SECONDS))
}

/**
 * The pause before an operation is polled again: a part of the time that it has taken so far.
 *
 * @param elapsedSeconds - Since the operation began; negative after the clock was set.
 */
export function brokerPollSeconds(elapsedSeconds: number, retryAfterSeconds?: number): number {
  return atLeast(retryAfterSeconds, Math.min(Math.max(elapsedSeconds / 3, FIRST_PAUSE_SECONDS), LONGEST_POLL_SECONDS))
}

const atLeast = (askedFor: number | undefined, seconds: number) =>
  Math.max(Math.min(askedFor ?? 0, LONGEST_RETRY_AFTER_SECONDS), seconds)
