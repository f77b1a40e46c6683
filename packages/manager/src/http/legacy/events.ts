import { about } from '@osb-backup/protocol'
import { z } from 'zod'
import { authorizeInstance } from '../../access/call.ts'
import type { Context } from '../../context/context.ts'
import { isAtAgent, type JobAtAgent } from '../../jobs/job.ts'
import { findJob } from '../../jobs/service.ts'
import { formatEvent } from '../event-stream.ts'
import type { App } from '../typed-app.ts'
import { jobToAnswer } from './job-answers.ts'

const MAX_BACKLOG_BYTES = 4 * 1024 * 1024

const query = z.object({
  serviceInstance: z.string().max(200).optional().meta(about('Only of this service instance', 'shop-db')),
})

const EXAMPLE = 'event: job\ndata: {"id":"69a3a7c0f1d2b3c4d5e6f708","status":"RUNNING"}\n\n'

/** Server-sent events: every job that the caller may see, each time it changes. */
export function eventRoutes(app: App, context: Context): void {
  const feed = new LegacyJobFeed(context)
  const unsubscribe = context.jobChanges.subscribe({ changed: (jobId) => feed.add(jobId) })
  app.addHook('preClose', async () => {
    unsubscribe()
  })

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
      const { call } = request
      if (serviceInstance !== undefined) await authorizeInstance(call, serviceInstance)
      app.eventStreams.open(request, reply, MAX_BACKLOG_BYTES, (stream) =>
        feed.subscribe(async ({ instanceId }, formatted) => {
          if (serviceInstance !== undefined && instanceId !== serviceInstance) return
          try {
            if (!(await call.caller.isGranted(instanceId, 'read'))) return
            const event = await formatted()
            if (stream.isOpen()) stream.send(event)
          } catch (error) {
            context.log.warn({ err: error }, 'sending an event failed; its stream is closed')
            stream.end()
          }
        }),
      )
    },
  )
}

type Subscriber = (job: JobAtAgent, formatted: () => Promise<string>) => Promise<void>

/**
 * Reads each job that changes once, one after the other in the order they changed, however many streams follow, and only if
 * any does.
 */
class LegacyJobFeed {
  readonly #context: Context
  readonly #subscribers = new Set<Subscriber>()
  readonly #pending = new Set<string>()
  #isSending = false

  constructor(context: Context) {
    this.#context = context
  }

  subscribe(subscriber: Subscriber): () => void {
    this.#subscribers.add(subscriber)
    return () => this.#subscribers.delete(subscriber)
  }

  /** Changes that come while a job waits to be sent are sent with it. */
  add(jobId: string): void {
    if (this.#subscribers.size === 0) return
    this.#pending.add(jobId)
    if (this.#isSending) return
    this.#isSending = true
    this.#sendAll()
      .catch((error: unknown) => this.#context.log.warn({ err: error }, 'changes of jobs were not sent'))
      .finally(() => {
        this.#isSending = false
      })
  }

  async #sendAll(): Promise<void> {
    for (const jobId of this.#pending) {
      this.#pending.delete(jobId)
      const job = await findJob(this.#context, jobId)
      // Clients of this path know only backups and restores.
      if (job === undefined || !isAtAgent(job)) continue
      let text: Promise<string> | undefined
      const formatted = () => {
        text ??= jobToAnswer(this.#context, job).then((answer) => formatEvent('job', answer))
        return text
      }
      await Promise.all([...this.#subscribers].map((subscriber) => subscriber(job, formatted)))
    }
  }
}
