import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Caller } from '../access/caller.ts'
import type { Context } from '../context/context.ts'
import { DatabaseUnavailable } from '../database/database-unavailable.ts'
import type { JobChanges } from '../database/notifications.ts'
import { RequestError } from '../shared/request-error.ts'
import type { App } from './typed-app.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** All event streams of this manager. */
    eventStreams: EventStreams
  }
}

const HEARTBEAT_MS = 15_000
/** Then the stream ends and the client reconnects, which authenticates it again: roles and grants may have changed. */
const MAX_STREAM_MS = 10 * 60_000
/** What callers who are refused a stream are told to wait. */
const RETRY_SECONDS = 10

/** A stream of server-sent events to one client. */
export interface EventStream {
  /** Whether the client still reads it. */
  isOpen(): boolean
  /** Sends a formatted event. A client that does not keep up is disconnected; it reads the jobs when it reconnects. */
  send(event: string): void
  /** Ends it; the client reconnects. */
  end(): void
}

/** An event as it is sent; formatted once for all streams. */
export function formatEvent(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

interface OpenStream {
  response: ServerResponse
  callerKey: string
  address: string
}

/**
 * The event streams of a manager. They are limited in total, for each caller and for each address, so that nobody takes them
 * all, and end when the credential expires or is revoked, and when changes of jobs are missed.
 */
export class EventStreams {
  readonly #settings: Pick<Context['settings'], 'maxEventStreams' | 'maxEventStreamsPerCaller'>
  readonly #jobChanges: Pick<JobChanges, 'isConnected'>
  readonly #open = new Set<OpenStream>()

  constructor(app: App, { settings, jobChanges }: Pick<Context, 'settings' | 'jobChanges'>) {
    this.#settings = settings
    this.#jobChanges = jobChanges
    const unsubscribe = jobChanges.subscribe({
      revoked: (callerKey) => this.#endStreams((stream) => stream.callerKey === callerKey),
      // Clients reconnect, which authenticates them again, and read the jobs.
      disconnected: () => this.#endStreams(),
    })
    app.addHook('preClose', async () => {
      unsubscribe()
      this.#endStreams()
    })
  }

  /**
   * Answers a request with a stream of events.
   *
   * @param maxBacklogBytes - How much may wait for the client to read it.
   * @param follow - Starts to send events. Returns what ends that; it is called when the stream has closed.
   * @throws {RequestError} `slow-down`, if the limit is reached: before anything is done.
   * @throws {DatabaseUnavailable} If changes of jobs are missed at the moment.
   */
  open(
    request: FastifyRequest,
    reply: FastifyReply,
    maxBacklogBytes: number,
    follow: (stream: EventStream) => () => void,
  ): void {
    if (!this.#jobChanges.isConnected) throw new DatabaseUnavailable('The database sends no notifications.')
    const { caller } = request.call
    const opened = { response: reply.raw, callerKey: keyOf(caller), address: request.ip }
    this.#requireVacancy(opened)
    this.#open.add(opened)
    reply.hijack()
    const { response } = opened
    response.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      // Nothing follows a stream; a connection that is kept open would keep the manager from exiting.
      connection: 'close',
    })
    response.write('retry: 2000\n\n')
    const unfollow = follow({
      isOpen: () => !response.writableEnded && !response.destroyed,
      send(event) {
        response.write(event)
        if (response.writableLength > maxBacklogBytes) response.destroy()
      },
      end: () => response.end(),
    })
    const heartbeat = setInterval(() => response.write(': heartbeat\n\n'), HEARTBEAT_MS)
    const longestMs = Math.max(0, Math.min(MAX_STREAM_MS, caller.validForMs ?? MAX_STREAM_MS))
    const longest = setTimeout(() => response.end(), longestMs)
    response.once('close', () => {
      unfollow()
      clearInterval(heartbeat)
      clearTimeout(longest)
      this.#open.delete(opened)
    })
  }

  #requireVacancy({ callerKey, address }: OpenStream): void {
    const { maxEventStreams: total, maxEventStreamsPerCaller: perCaller } = this.#settings
    const open = [...this.#open]
    const ofCaller = open.filter((stream) => stream.callerKey === callerKey).length
    // One address leaves room for others, and may be a gateway with many callers.
    const ofAddress = open.filter((stream) => stream.address === address).length
    const isFull = open.length >= total || ofAddress >= Math.max(perCaller, Math.ceil(total * ADDRESS_SHARE))
    if (ofCaller < perCaller && !isFull) return
    const whose = ofCaller >= perCaller ? `You have ${ofCaller} event streams open` : 'Too many event streams are open'
    throw new RequestError('slow-down', `${whose}: close some, or try again later.`, {
      retryAfterSeconds: RETRY_SECONDS,
    })
  }

  #endStreams(isEnded: (stream: OpenStream) => boolean = () => true): void {
    for (const stream of this.#open) if (isEnded(stream)) stream.response.end()
  }
}

/** How much of all streams one address may have open. */
const ADDRESS_SHARE = 0.8

const keyOf = ({ kind, id }: Caller) => `${kind}:${id}`
