import type { RunKind } from '@osb-backup/core'
import {
  backupStartedSchema,
  backupStartSchema,
  isOver,
  jobSchema,
  jobStatuses,
  pageSchema,
  restoreStartedSchema,
  restoreStartSchema,
} from '@osb-backup/protocol'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { enterInstance } from '../../access/call.ts'
import type { Context } from '../../context/context.ts'
import { cancelJob } from '../../jobs/cancel.ts'
import { onceOf } from '../../jobs/idempotency.ts'
import type { Job } from '../../jobs/job.ts'
import { deleteJobs, findJob, listJobs } from '../../jobs/repository.ts'
import { startBackup, startRestore, targetsOfItems } from '../../jobs/service.ts'
import { findPlan } from '../../plans/repository.ts'
import { removeFiles } from '../../removals/remove-files.ts'
import { pointsOfJob } from '../../restore-points/repository.ts'
import { invariant } from '../../shared/invariant.ts'
import { notFound, RequestError } from '../../shared/request-error.ts'
import { idempotencyKeyHeader } from '../request-headers.ts'
import type { App } from '../typed-app.ts'
import { jobsToAnswer, jobToAnswer } from './job-answers.ts'
import { pagingQuery, readPaging, toPage } from './paging.ts'

const DEFAULT_PAGE = 10
const params = z.object({ id: z.string().max(100) })
const byInstance = z.object({ instanceId: z.string().max(200) })

/** Jobs: started, listed, shown and deleted. */
export function jobRoutes(app: App, context: Context): void {
  const toWire = (jobs: readonly Job[]) => jobsToAnswer(context, jobs)
  const oneToWire = (job: Job) => jobToAnswer(context, job)
  const needJob = async (request: FastifyRequest, id: string, kind?: RunKind): Promise<Job> => {
    const what = kind === undefined ? 'job' : `${kind} job`
    const job = await findJob(context, id)
    if (job === undefined || (kind !== undefined && job.kind !== kind)) throw notFound(what, id)
    await enterInstance(request, job.instanceId, { what, id })
    return job
  }
  const needEnded = async (request: FastifyRequest, id: string): Promise<Job> => {
    const job = await needJob(request, id, 'backup')
    if (!isOver(job.status)) throw new RequestError('conflict', `The backup job ${id} still runs.`)
    return job
  }

  const lists = [
    {
      path: '/backupJobs/byInstance/:instanceId',
      kind: 'backup',
      summary: 'List the backup jobs of a service instance',
    },
    {
      path: '/backupJobs/byInstance/:instanceId/filtered',
      kind: 'backup',
      summary: 'List its backup jobs in one state',
    },
    {
      path: '/restoreJobs/byInstance/:instanceId',
      kind: 'restore',
      summary: 'List the restore jobs of a service instance',
    },
  ] as const
  for (const { path, kind, summary } of lists) {
    app.get(
      path,
      {
        config: { access: 'viewer' },
        schema: {
          summary,
          params: byInstance,
          querystring: pagingQuery.extend({ jobStatus: z.enum(jobStatuses).optional() }),
          response: { 200: pageSchema(jobSchema) },
        },
      },
      async (request) => {
        await enterInstance(request, request.params.instanceId)
        const page = readPaging(request.query, DEFAULT_PAGE)
        const which = { instanceId: request.params.instanceId, kind, status: request.query.jobStatus }
        const { entries, total } = await listJobs(context, which, page)
        return toPage(await toWire(entries), total, page)
      },
    )
  }

  app.get(
    '/backupJobs/:id',
    { config: { access: 'viewer' }, schema: { summary: 'Show a backup job', params, response: { 200: jobSchema } } },
    async (request) => oneToWire(await needJob(request, request.params.id, 'backup')),
  )

  app.get(
    '/restoreJobs/:id',
    {
      config: { access: 'viewer' },
      schema: { summary: 'Show a job of either kind', params, response: { 200: jobSchema } },
    },
    async (request) => oneToWire(await needJob(request, request.params.id)),
  )

  app.post(
    '/backup',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Start a backup job of a plan now',
        headers: idempotencyKeyHeader,
        body: backupStartSchema,
        response: { 201: backupStartedSchema },
      },
    },
    async (request, reply) => {
      const planId = request.body.backupPlan.id
      const plan = await findPlan(context, planId)
      if (plan === undefined) throw notFound('backup plan', planId)
      await enterInstance(request, plan.instanceId, { what: 'backup plan', id: planId })
      const job = await oneToWire(await startBackup(context, plan, onceOf(request)))
      invariant(job.jobType === 'BACKUP', 'a started backup is a backup job')
      return reply.code(201).send({ backupPlan: job.backupPlan, backupJob: job })
    },
  )

  app.post(
    '/restore',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Start a restore job of what a backup job left',
        headers: idempotencyKeyHeader,
        body: restoreStartSchema,
        response: { 201: restoreStartedSchema },
      },
    },
    async (request, reply) => {
      const { body } = request
      const source = await needJob(request, body.backupJob.id, 'backup')
      const instanceId = body.serviceInstance?.service_instance_id ?? source.instanceId
      await enterInstance(request, instanceId)
      const restoreJob = await oneToWire(
        await startRestore(
          context,
          instanceId,
          await targetsOfItems(context, source, body.items),
          body,
          onceOf(request),
        ),
      )
      const backupJob = await oneToWire(source)
      invariant(restoreJob.jobType === 'RESTORE' && backupJob.jobType === 'BACKUP', 'jobs are of their kinds')
      return reply.code(201).send({ backupJob, items: body.items, restoreJob })
    },
  )

  for (const { path, kind } of [
    { path: '/backupJobs/:id/cancel', kind: 'backup' },
    { path: '/restoreJobs/:id/cancel', kind: 'restore' },
  ] as const) {
    app.post(
      path,
      {
        config: { access: 'operator' },
        schema: {
          summary: `Cancel a ${kind} job: what runs is stopped, then cleaned up and unlocked; it ends as FAILED`,
          params,
          response: { 202: jobSchema },
        },
      },
      async (request, reply) => {
        const { id } = await needJob(request, request.params.id, kind)
        await cancelJob(context, id, request.caller.name)
        return reply.code(202).send(await oneToWire(await needJob(request, id)))
      },
    )
  }

  app.delete(
    '/backupJobs/:id',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Delete a backup job; its restore points and files stay',
        params,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const { id } = await needEnded(request, request.params.id)
      await deleteJobs(context, { id })
      return reply.code(204).send(null)
    },
  )

  app.delete(
    '/backupJobs/:id/file',
    {
      config: { access: 'operator' },
      schema: { summary: 'Remove the stored files of a backup job', params, response: { 204: z.null() } },
    },
    async (request, reply) => {
      const job = await needEnded(request, request.params.id)
      await removeFiles(context, await pointsOfJob(context, job.id))
      return reply.code(204).send(null)
    },
  )

  app.delete(
    '/backupJobs/byInstance/:instanceId',
    {
      config: { access: 'operator', brokers: true },
      schema: {
        summary: 'Delete the jobs of an instance that are over; files stay',
        params: byInstance,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await enterInstance(request, request.params.instanceId)
      await deleteJobs(context, { instanceId: request.params.instanceId })
      return reply.code(204).send(null)
    },
  )
}
