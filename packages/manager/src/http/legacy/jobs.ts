import { about, backupStartSchema, jobStatuses, pageSchema, restoreStartSchema } from '@osb-backup/protocol'
import { z } from 'zod'
import type { Context } from '../../context/context.ts'
import {
  cancelJob,
  deleteJob,
  deleteJobsOfInstance,
  getBackupJob,
  getEndedBackupJob,
  getJobAtAgent,
  listJobs,
} from '../../jobs/service.ts'
import { startBackup } from '../../jobs/start-backup.ts'
import { findRestoreItems, startRestore } from '../../jobs/start-restore.ts'
import { registerSentInstance } from '../../migration/register-sent-instance.ts'
import { getPlan } from '../../plans/service.ts'
import { removeFiles } from '../../removals/service.ts'
import { pointsOfJob } from '../../restore-points/service.ts'
import { OUTSIDE_CALL_DEADLINE_MS } from '../deadlines.ts'
import { parseIdempotencyKey } from '../idempotency-key.ts'
import { idempotencyKeyHeader } from '../request-headers.ts'
import { backupStartedSchema, jobSchema, restoreStartedSchema } from '../schemas/legacy.ts'
import type { App } from '../typed-app.ts'
import { backupJobToAnswer, jobsToAnswer, jobToAnswer, restoreJobToAnswer } from './job-answers.ts'
import { pagingQuery, readPaging, toPage } from './paging.ts'
import { byInstanceParams, idParams } from './params.ts'
import { keyFromWire } from './wire/secret.ts'

const DEFAULT_PAGE = 10

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

/** Jobs: started, listed, shown, cancelled and deleted. */
export function jobRoutes(app: App, context: Context): void {
  for (const { path, kind, summary } of lists) {
    app.get(
      path,
      {
        config: { access: 'viewer' },
        schema: {
          summary,
          params: byInstanceParams,
          querystring: pagingQuery.extend({
            jobStatus: z.enum(jobStatuses).optional().meta(about('Only jobs in this state', 'FAILED')),
          }),
          response: { 200: pageSchema(jobSchema) },
        },
      },
      async (request) => {
        const page = readPaging(request.query, DEFAULT_PAGE)
        const filter = { instanceId: request.params.instanceId, kind, status: request.query.jobStatus }
        const { entries, total } = await listJobs(context, request.call, filter, page)
        return toPage(await jobsToAnswer(context, entries), total, page)
      },
    )
  }

  app.get(
    '/backupJobs/:id',
    {
      config: { access: 'viewer' },
      schema: { summary: 'Show a backup job', params: idParams, response: { 200: jobSchema } },
    },
    async (request) => jobToAnswer(context, await getBackupJob(context, request.call, request.params.id)),
  )

  app.get(
    '/restoreJobs/:id',
    {
      config: { access: 'viewer' },
      schema: { summary: 'Show a job of either kind', params: idParams, response: { 200: jobSchema } },
    },
    async (request) => jobToAnswer(context, await getJobAtAgent(context, request.call, request.params.id)),
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
      const plan = await getPlan(context, request.call, request.body.backupPlan.id)
      const job = await startBackup(context, request.call, plan, { key: parseIdempotencyKey(request) })
      const backupJob = await backupJobToAnswer(context, job)
      return reply.code(201).send({ backupPlan: backupJob.backupPlan, backupJob })
    },
  )

  app.post(
    '/restore',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Start a restore job from a backup job',
        headers: idempotencyKeyHeader,
        body: restoreStartSchema,
        response: { 201: restoreStartedSchema },
      },
    },
    async (request, reply) => {
      const { body, call } = request
      const source = await getBackupJob(context, call, body.backupJob.id)
      await registerSentInstance(context, call, body.serviceInstance)
      const wanted = {
        instanceId: body.serviceInstance?.service_instance_id ?? source.instanceId,
        items: await findRestoreItems(context, source, body.items),
        privateKey: keyFromWire(body.privateKey),
        parameters: body.parameters,
      }
      const job = await startRestore(context, call, wanted, parseIdempotencyKey(request))
      const restoreJob = await restoreJobToAnswer(context, job)
      const backupJob = await backupJobToAnswer(context, source)
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
          params: idParams,
          response: { 202: jobSchema },
        },
      },
      async (request, reply) => {
        const { call, params } = request
        await cancelJob(context, call, params.id, kind)
        const job = await getJobAtAgent(context, call, params.id)
        return reply.code(202).send(await jobToAnswer(context, job))
      },
    )
  }

  app.delete(
    '/backupJobs/:id',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Delete a backup job; its restore points and files stay',
        params: idParams,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const job = await getJobAtAgent(context, request.call, request.params.id)
      await deleteJob(context, request.call, job.id)
      return reply.code(204).send(null)
    },
  )

  app.delete(
    '/backupJobs/:id/file',
    {
      handlerTimeout: OUTSIDE_CALL_DEADLINE_MS,
      config: { access: 'operator' },
      schema: { summary: 'Remove the stored files of a backup job', params: idParams, response: { 204: z.null() } },
    },
    async (request, reply) => {
      const job = await getEndedBackupJob(context, request.call, request.params.id)
      await removeFiles(context, request.call, await pointsOfJob(context, job.id))
      return reply.code(204).send(null)
    },
  )

  app.delete(
    '/backupJobs/byInstance/:instanceId',
    {
      config: { access: 'operator', brokers: 'deprovisioning' },
      schema: {
        summary: 'Delete the jobs of an instance that have ended; files stay',
        params: byInstanceParams,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await deleteJobsOfInstance(context, request.call, request.params.instanceId)
      return reply.code(204).send(null)
    },
  )
}
