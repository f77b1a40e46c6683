import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import type { Context } from '../context/context.ts'
import { DatabaseUnavailable } from '../database/database-unavailable.ts'
import type { JobChanges } from '../database/notifications.ts'
import type { App } from './typed-app.ts'

const HEARTBEAT_MS = 15_000
/** Then the stream ends and the client reconnects, which authenticates it again: tokens expire and are revoked. */
const MAX_STREAM_MS = 10 * 60_000

/** A stream of server-sent events to one client. */
export interface EventStream {
  /** Whether the client still reads it. */
  isOpen(): boolean
  /** Sends an event. A client that does not keep up is disconnected; it reads the jobs when it reconnects. */
  send(event: string, data: unknown): void
  /** Ends it; the client reconnects. */
  end(): void
}

/** The streams of one route. */
export class EventStreams {
  readonly #jobChanges: Pick<JobChanges, 'isConnected'>
  readonly #maxBacklogBytes: number
  readonly #open = new Set<ServerResponse>()

  /**
   * Ends all streams when changes of jobs are missed: clients reconnect, and read the jobs.
   *
   * @param maxBacklogBytes - How much may wait for a client to read it.
   */
  constructor(app: App, { jobChanges }: Pick<Context, 'jobChanges'>, maxBacklogBytes: number) {
    this.#jobChanges = jobChanges
    this.#maxBacklogBytes = maxBacklogBytes
    const unsubscribe = jobChanges.subscribe({ changed: () => undefined, disconnected: () => this.#endAll() })
    app.addHook('preClose', async () => {
      unsubscribe()
      this.#endAll()
    })
  }

  /**
   * Answers a request with a stream of events.
   *
   * @param follow - Starts to send events. Returns what ends that; it is called when the stream has closed.
   * @throws {DatabaseUnavailable} If changes of jobs are missed at the moment.
   */
  open(reply: FastifyReply, follow: (stream: EventStream) => () => void): void {
    if (!this.#jobChanges.isConnected) throw new DatabaseUnavailable('The database sends no notifications.')
    reply.hijack()
    const response = reply.raw
    response.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      // Nothing follows a stream; a connection that is kept open would keep the manager from exiting.
      connection: 'close',
    })
    response.write('retry: 2000\n\n')
    this.#open.add(response)
    const unfollow = follow({
      isOpen: () => !response.writableEnded && !response.destroyed,
      send: (event, data) => {
        response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
        if (response.writableLength > this.#maxBacklogBytes) response.destroy()
      },
      end: () => response.end(),
    })
    const heartbeat = setInterval(() => response.write(': heartbeat\n\n'), HEARTBEAT_MS)
    const longest = setTimeout(() => response.end(), MAX_STREAM_MS)
    response.once('close', () => {
      unfollow()
      clearInterval(heartbeat)
      clearTimeout(longest)
      this.#open.delete(response)
    })
  }
  #endAll(): void {
    for (const stream of this.#open) stream.end()
  }
}
