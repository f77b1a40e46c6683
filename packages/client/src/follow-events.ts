import {
  type AlarmEvent,
  alarmEventSchema,
  type EventQuery,
  type JobEvent,
  jobEventSchema,
} from '@osb-backup/protocol/v1'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import type { z } from 'zod'
import { ApiError } from './api-error.ts'
import { authorizationOf, type CallOptions, type ClientOptions, errorOf, parseJson, urlOf } from './connection.ts'
import { sleep } from './sleep.ts'

/** What a follower gets. */
export type FollowedEvent =
  /**
   * Events follow from now on; changes before, or during a lost connection, are not repeated. Read the jobs now if none may be
   * missed.
   */
  | { type: 'connected' }
  /** The connection was lost, or could not be established; it is tried again. */
  | { type: 'disconnected' }
  /** A job changed. */
  | { type: 'job'; event: JobEvent }
  /** An alarm was raised, resolved or acknowledged. */
  | { type: 'alarm'; event: AlarmEvent }

/** The manager sends something every 15 seconds; after so long without anything the connection is lost. */
const SILENCE_MS = 45_000
const SHORTEST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000

/**
 * Follows jobs as they change, over server-sent events, until the caller leaves the loop or aborts. A lost connection is
 * reestablished, with exponential backoff. A caller that takes longer than 45 seconds for an event loses the connection, and
 * gets `connected` again.
 *
 * @throws {ApiError} If the manager refuses: the token or the instance is not valid. Not while it only cannot be reached.
 */
export async function* followEvents(
  options: ClientOptions,
  query: EventQuery,
  { signal }: CallOptions,
): AsyncGenerator<FollowedEvent> {
  for (let failures = 0; ; failures++) {
    signal?.throwIfAborted()
    const connection = new EventConnection(signal)
    try {
      const body = await connect(options, query, connection)
      if (body !== undefined) {
        failures = 0
        yield { type: 'connected' }
        yield* eventsIn(body, connection)
      }
    } catch (error) {
      signal?.throwIfAborted()
      if (!isLostConnection(error)) throw error
    } finally {
      connection.end()
    }
    yield { type: 'disconnected' }
    await sleep(Math.min(SHORTEST_WAIT_MS * 2 ** failures, LONGEST_WAIT_MS), signal)
  }
}

/** The stream of events; undefined if the manager asks to try again, or there is no token at the moment. */
async function connect(
  options: ClientOptions,
  query: EventQuery,
  { signal }: EventConnection,
): Promise<ReadableStream<Uint8Array> | undefined> {
  const authorization = await authorizationOf(options).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === undefined) return undefined
    throw error
  })
  if (authorization === undefined) return undefined
  const headers = { authorization, accept: 'text/event-stream, application/problem+json' }
  const response = await fetch(urlOf(options, '/v1/events', query), { headers, signal, redirect: 'manual' })
  if (response.ok && response.body !== null) return response.body
  const refusal = errorOf(response.status, parseJson(await response.text()))
  if (response.status === 429 || response.status >= 500) return undefined
  throw refusal
}

async function* eventsIn(body: ReadableStream<Uint8Array>, connection: EventConnection): AsyncGenerator<FollowedEvent> {
  const parser = new EventSourceParserStream({ onComment: () => connection.touch() })
  const decoder = new TextDecoderStream() as TransformStream<Uint8Array, string>
  const reader = body.pipeThrough(decoder).pipeThrough(parser).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    connection.touch()
    if (value.event === 'job') yield { type: 'job', event: readEvent(jobEventSchema, value.data) }
    if (value.event === 'alarm') yield { type: 'alarm', event: readEvent(alarmEventSchema, value.data) }
  }
}

function readEvent<T>(schema: z.ZodType<T>, text: string): T {
  const read = schema.safeParse(parseJson(text))
  if (read.success) return read.data
  throw new ApiError('An event of the manager has another shape than expected.', { cause: read.error })
}

/** One connection, which ends when the caller aborts, and by itself when it is silent for too long. */
class EventConnection {
  readonly signal: AbortSignal
  readonly #stop = new AbortController()
  #silence: ReturnType<typeof setTimeout>

  constructor(signal: AbortSignal | undefined) {
    this.signal = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal])
    this.#silence = setTimeout(() => this.end(), SILENCE_MS)
  }

  touch(): void {
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => this.end(), SILENCE_MS)
  }

  end(): void {
    clearTimeout(this.#silence)
    this.#stop.abort()
  }
}

/** Fetch says TypeError, in Node as in browsers; where we end a silent connection it is an AbortError. */
function isLostConnection(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof DOMException && error.name === 'AbortError')
}
