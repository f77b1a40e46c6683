import { type Job, jobSchema } from '@osb-backup/protocol'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { ApiError } from '../api-error.ts'
import { sleep as wait } from '../sleep.ts'
import { type ClientOptions, parsed, refusalOf, urlOf } from './connection.ts'

/** Something that a follower hears. */
export type JobEvent =
  /** From now on changes are heard; not those before, or during a lost connection. Read the jobs now, if none may be missed. */
  | { type: 'connected' }
  /** A job that changed, as it is now. */
  | { type: 'job'; job: Job }

/** What is followed. */
export interface FollowOptions {
  /** Jobs of this instance only. */
  serviceInstance?: string
  /** Ends the following. */
  signal?: AbortSignal
}

/** The manager says something every 15 seconds; who hears nothing for so long has lost it. */
const SILENCE_MS = 45_000
const SHORTEST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000

/**
 * Follows jobs as they change, over server-sent events, until the caller leaves the loop or aborts. A connection that is lost,
 * or a manager that is away, is tried again, ever more patiently. Whoever takes longer than 45 seconds for an event loses the
 * connection, and hears `connected` again.
 *
 * @throws {ApiError} If the manager refuses: the token or the instance is not valid. Not while it only cannot be reached.
 */
export async function* followJobs(options: ClientOptions, follow: FollowOptions = {}): AsyncGenerator<JobEvent> {
  const { signal } = follow
  for (let failures = 0; ; failures++) {
    signal?.throwIfAborted()
    const connection = new EventConnection(signal)
    try {
      const body = await connect(options, follow, connection)
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
    await wait(Math.min(SHORTEST_WAIT_MS * 2 ** failures, LONGEST_WAIT_MS), signal)
  }
}

/** The stream of events; undefined if the manager says to come again. */
async function connect(
  options: ClientOptions,
  { serviceInstance }: FollowOptions,
  { signal }: EventConnection,
): Promise<ReadableStream<Uint8Array> | undefined> {
  const headers = { authorization: `Bearer ${options.token}`, accept: 'text/event-stream, application/problem+json' }
  const response = await fetch(urlOf(options, '/events', { serviceInstance }), { headers, signal })
  if (response.ok && response.body !== null) return response.body
  const refusal = refusalOf(response.status, parsed(await response.text()))
  if (response.status === 429 || response.status >= 500) return undefined
  throw refusal
}

async function* eventsIn(body: ReadableStream<Uint8Array>, connection: EventConnection): AsyncGenerator<JobEvent> {
  const parser = new EventSourceParserStream({ onComment: () => connection.heard() })
  const decoder = new TextDecoderStream() as TransformStream<Uint8Array, string>
  const reader = body.pipeThrough(decoder).pipeThrough(parser).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    connection.heard()
    if (value.event === 'job') yield { type: 'job', job: readJob(value.data) }
  }
}

function readJob(text: string): Job {
  const read = jobSchema.safeParse(parsed(text))
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

  heard(): void {
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
