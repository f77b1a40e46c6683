import { about } from '@osb-backup/protocol'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { authorizeInstance } from '../../access/call.ts'
import type { Context } from '../../context/context.ts'
import { isAtAgent } from '../../jobs/job.ts'
import { findJob } from '../../jobs/service.ts'
import { type EventStream, EventStreams } from '../event-stream.ts'
import type { App } from '../typed-app.ts'
import { jobToAnswer } from './job-answers.ts'

const MAX_BACKLOG_BYTES = 4 * 1024 * 1024

const query = z.object({
  serviceInstance: z.string().max(200).optional().meta(about('Only of this service instance', 'shop-db')),
})

const EXAMPLE = 'event: job\ndata: {"id":"69a3a7c0f1d2b3c4d5e6f708","status":"RUNNING"}\n\n'

/** Server-sent events: every job that the caller may see, each time it changes. */
export function eventRoutes(app: App, context: Context): void {
  const streams = new EventStreams(app, context, MAX_BACKLOG_BYTES)

  app.get(
    '/events',
    {
      config: { access: 'viewer' },
      schema: {
        summary: 'Follow jobs as server-sent events: `event: job`, its data as GET /restoreJobs/{id} answers it',
        querystring: query,
        response: {
          200: {
            description: 'The events, until the stream ends; reconnect then',
            content: { 'text/event-stream': { schema: z.string().meta({ examples: [EXAMPLE] }) } },
          },
        },
      },
    },
    async (request, reply) => {
      const { serviceInstance } = request.query
      if (serviceInstance !== undefined) await authorizeInstance(request.call, serviceInstance)
      streams.open(reply, (stream) =>
        context.jobChanges.subscribe({ changed: jobSender(context, request, stream, serviceInstance) }),
      )
    },
  )
}

/** Sends jobs one after the other, in the order they changed, to callers that were granted their instance. */
function jobSender(
  context: Context,
  request: FastifyRequest,
  stream: EventStream,
  instanceId: string | undefined,
): (jobId: string) => void {
  const pending = new Set<string>()
  let isSending = false
  const sendAll = async () => {
    for (const jobId of pending) {
      pending.delete(jobId)
      const job = await findJob(context, jobId)
      // Clients of this path know only backups and restores.
      if (job === undefined || !isAtAgent(job) || (instanceId !== undefined && job.instanceId !== instanceId)) continue
      if (!(await request.call.caller.isGranted(job.instanceId, 'read'))) continue
      if (!stream.isOpen()) return
      stream.send('job', await jobToAnswer(context, job))
    }
  }
  return (jobId) => {
    // Changes that come while a job waits to be sent are sent with it.
    pending.add(jobId)
    if (isSending) return
    isSending = true
    sendAll()
      .catch((error: unknown) => {
        context.log.warn({ err: error }, 'sending an event failed; its stream is closed')
        stream.end()
      })
      .finally(() => {
        isSending = false
      })
  }
}
