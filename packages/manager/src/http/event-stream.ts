import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
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
  readonly #maxBacklogBytes: number
  readonly #open = new Set<ServerResponse>()

  /** @param maxBacklogBytes - How much may wait for a client to read it. */
  constructor(app: App, maxBacklogBytes: number) {
    this.#maxBacklogBytes = maxBacklogBytes
    app.addHook('preClose', async () => {
      for (const stream of this.#open) stream.end()
    })
  }

  /**
   * Answers a request with a stream of events.
   *
   * @param follow - Starts to send events. Returns what ends that; it is called when the stream has closed.
   */
  open(reply: FastifyReply, follow: (stream: EventStream) => () => void): void {
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
}
