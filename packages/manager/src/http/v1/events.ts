import type { ServerResponse } from 'node:http'
import { about, eventQuerySchema } from '@osb-backup/protocol/v1'
import { z } from 'zod'
import { authorizeInstance } from '../../access/call.ts'
import type { Context } from '../../context/context.ts'
import type { App } from '../typed-app.ts'
import { JobFeed } from './job-feed.ts'

const HEARTBEAT_MS = 15_000
/** Then the stream ends and the client reconnects, which authenticates it anew: tokens expire and are revoked. */
const MAX_STREAM_MS = 10 * 60_000
/** A reader that does not keep up is disconnected, and reads the jobs when it comes back. */
const MAX_BACKLOG_BYTES = 1024 * 1024

const EXAMPLE =
  'event: job\ndata: {"jobId":"69a3a7c0f1d2b3c4d5e6f708","instanceId":"shop-db","kind":"backup","changed":{"state":"running"}}\n\n'

/** Server-sent events: which jobs changed, and what of them. */
export function eventRoutes(app: App, context: Context): void {
  const feed = new JobFeed(context)
  const streams = new Set<ServerResponse>()
  app.addHook('preClose', async () => {
    feed.close()
    for (const stream of streams) stream.end()
  })

  app.get(
    '/v1/events',
    {
      config: { access: 'viewer' },
      schema: {
        summary: 'Follow jobs as server-sent events: `event: job`, its data the ids of the job and what changed of it',
        querystring: eventQuerySchema,
        response: {
          200: {
            description: 'The events, until the stream ends; reconnect then',
            content: { 'text/event-stream': { schema: z.string().meta(about('The events', EXAMPLE)) } },
          },
        },
      },
    },
    async (request, reply) => {
      const call = request.call
      const { instance } = request.query
      if (instance !== undefined) await authorizeInstance(call, instance)
      reply.hijack()
      const stream = reply.raw
      stream.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        // Nothing follows a stream; a kept connection would keep the manager from ending.
        connection: 'close',
      })
      stream.write('retry: 2000\n\n')
      streams.add(stream)
      const unsubscribe = feed.subscribe(async (event) => {
        if (instance !== undefined && event.instanceId !== instance) return
        if (!(await call.caller.isGranted(event.instanceId, 'read'))) return
        if (stream.writableEnded || stream.destroyed) return
        stream.write(`event: job\ndata: ${JSON.stringify(event)}\n\n`)
        if (stream.writableLength > MAX_BACKLOG_BYTES) stream.destroy()
      })
      const heartbeat = setInterval(() => stream.write(': heartbeat\n\n'), HEARTBEAT_MS)
      const longest = setTimeout(() => stream.end(), MAX_STREAM_MS)
      stream.once('close', () => {
        unsubscribe()
        clearInterval(heartbeat)
        clearTimeout(longest)
        streams.delete(stream)
      })
    },
  )
}
