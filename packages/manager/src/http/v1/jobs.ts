import { jobLogsSchema, jobQuerySchema, jobSchema, listOf } from '@osb-backup/protocol/v1'
import { z } from 'zod'
import type { Context } from '../../context/context.ts'
import { markUnlocked, retryUnlock } from '../../jobs/locks.ts'
import { cancelJob, deleteJob, getJob, getJobWithoutLogs, searchJobs } from '../../jobs/service.ts'
import { giveUpJob } from '../../jobs/unknown-parts.ts'
import { OUTSIDE_CALL_DEADLINE_MS } from '../deadlines.ts'
import type { App } from '../typed-app.ts'
import { jobToWire, logsToWire, sendStartedJob } from './job-codec.ts'
import { statusesOfStates } from './job-states.ts'
import { keysetOf, toDate, toList } from './lists.ts'
import { idParams as params } from './params.ts'

/** What an operator does about a job that does not end, or does not unlock its databases. */
const actions = [
  {
    action: 'give-up',
    summary: 'Abandon what a job does at an agent that does not answer',
    description:
      'Parts whose outcome is unknown fail, and their databases and restore points are free for other jobs. Nothing is stopped ' +
      'by that: if the agent still runs a part, it continues to work on the database, may lock or unlock it during the next ' +
      'job, and what it stores is left without a restore point.',
    perform: giveUpJob,
  },
  {
    action: 'retry-unlock',
    summary: 'Retry unlocking the databases of a job now',
    description:
      'An agent retries an unlock that failed by itself, at intervals of up to a minute, until it succeeds. This starts the next ' +
      'attempt at once.',
    perform: retryUnlock,
  },
  {
    action: 'mark-unlocked',
    summary: 'Mark the databases of a job as unlocked',
    description:
      'For databases that you have unlocked yourself because the unlock script fails. Its retries end, and other jobs may work on ' +
      'the databases.',
    perform: markUnlocked,
  },
] as const

/** Jobs of all kinds: listed, shown, cancelled and deleted. */
export function jobRoutes(app: App, context: Context): void {
  app.get(
    '/v1/jobs',
    {
      config: { access: 'viewer' },
      schema: { summary: 'List jobs', querystring: jobQuerySchema, response: { 200: listOf(jobSchema) } },
    },
    async (request) => {
      const { instance, plan, item, kind, state, since, until, q, ...paging } = request.query
      const page = await searchJobs(
        context,
        request.call,
        {
          instanceId: instance,
          planId: plan,
          item,
          kind,
          ...(state && statusesOfStates[state]),
          since: toDate(since),
          until: toDate(until),
          text: q,
        },
        keysetOf(paging),
      )
      return toList(page, jobToWire)
    },
  )

  app.get(
    '/v1/jobs/:id',
    {
      config: { access: 'viewer', brokers: 'registering' },
      schema: { summary: 'Show a job', params, response: { 200: jobSchema } },
    },
    async (request) => jobToWire(await getJobWithoutLogs(context, request.call, request.params.id)),
  )

  app.get(
    '/v1/jobs/:id/logs',
    {
      config: { access: 'viewer' },
      schema: { summary: 'Show what the scripts of a job printed', params, response: { 200: jobLogsSchema } },
    },
    async (request) => ({ items: logsToWire(await getJob(context, request.call, request.params.id)) }),
  )

  app.post(
    '/v1/jobs/:id/cancel',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Cancel a job: what runs is stopped, then cleaned up and unlocked',
        params,
        response: { 202: jobSchema },
      },
    },
    async (request, reply) => {
      const job = await cancelJob(context, request.call, request.params.id)
      return sendStartedJob(reply, job).send(jobToWire(job))
    },
  )

  for (const { action, summary, description, perform } of actions) {
    app.post(
      `/v1/jobs/:id/${action}`,
      {
        handlerTimeout: OUTSIDE_CALL_DEADLINE_MS,
        config: { access: 'operator' },
        schema: { summary, description, params, response: { 200: jobSchema } },
      },
      async (request) => jobToWire(await perform(context, request.call, request.params.id)),
    )
  }

  app.delete(
    '/v1/jobs/:id',
    {
      config: { access: 'operator' },
      schema: { summary: 'Delete a job that has ended; its restore points stay', params, response: { 204: z.null() } },
    },
    async (request, reply) => {
      await deleteJob(context, request.call, request.params.id)
      return reply.code(204).send(null)
    },
  )
}
