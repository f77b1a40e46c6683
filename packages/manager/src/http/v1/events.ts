import { about, eventQuerySchema } from '@osb-backup/protocol/v1'
import { z } from 'zod'
import { authorizeInstance } from '../../access/call.ts'
import type { Context } from '../../context/context.ts'
import { formatEvent } from '../event-stream.ts'
import type { App } from '../typed-app.ts'
import { AlarmFeed } from './alarm-feed.ts'
import { JobFeed } from './job-feed.ts'

const MAX_BACKLOG_BYTES = 1024 * 1024

const EXAMPLE =
  'event: job\ndata: {"jobId":"69a3a7c0f1d2b3c4d5e6f708","instanceId":"shop-db","kind":"backup","changed":{"state":"running"}}\n\n'

/** Server-sent events: which jobs changed, and what of them; which alarms were raised, resolved or acknowledged. */
export function eventRoutes(app: App, context: Context): void {
  const feed = new JobFeed(context, (event) => formatEvent('job', event))
  const alarms = new AlarmFeed(context, (event) => formatEvent('alarm', event))
  app.addHook('preClose', async () => {
    feed.close()
    alarms.close()
  })

  app.get(
    '/v1/events',
    {
      config: { access: 'viewer' },
      schema: {
        summary:
          'Follow jobs and alarms as server-sent events: `event: job`, its data the ids of the job and what changed of it; `event: alarm`',
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
      app.eventStreams.open(request, reply, MAX_BACKLOG_BYTES, (stream) => {
        const unfollow = alarms.follow({
          caller: call.caller,
          instanceId: instance,
          send: (formatted) => stream.isOpen() && stream.send(formatted),
        })
        const unsubscribe = feed.subscribe(async (event, formatted) => {
          if (instance !== undefined && event.instanceId !== instance) return
          if (!(await call.caller.isGranted(event.instanceId, 'read'))) return
          if (stream.isOpen()) stream.send(formatted())
        })
        return () => {
          unfollow()
          unsubscribe()
        }
      })
    },
  )
}
