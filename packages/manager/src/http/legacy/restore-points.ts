import {
  pageSchema,
  restorePointSchema,
  restorePointStartedSchema,
  restorePointStartSchema,
} from '@osb-backup/protocol'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { enterInstance } from '../../access/call.ts'
import type { Context } from '../../context/context.ts'
import { onceOf } from '../../jobs/idempotency.ts'
import { startRestore } from '../../jobs/service.ts'
import { removeFiles } from '../../removals/remove-files.ts'
import { findPoint, listPoints, setHeld } from '../../restore-points/repository.ts'
import type { RestorePoint } from '../../restore-points/restore-point.ts'
import { verifyPoint } from '../../restore-points/verify.ts'
import { invariant } from '../../shared/invariant.ts'
import { notFound } from '../../shared/request-error.ts'
import { idempotencyKeyHeader } from '../request-headers.ts'
import type { App } from '../typed-app.ts'
import { jobToAnswer } from './job-answers.ts'
import { pagingQuery, readPaging, toPage } from './paging.ts'
import { pointToWire } from './wire/restore-point.ts'

const DEFAULT_PAGE = 50
const params = z.object({ id: z.string().max(100) })
const instant = z.iso.datetime({ offset: true }).optional()
const filterQuery = pagingQuery.extend({
  plan: z.string().max(100).optional(),
  item: z.string().max(200).optional(),
  takenFrom: instant,
  takenUntil: instant.describe('Not included'),
})
const toDate = (text: string | undefined) => (text === undefined ? undefined : new Date(text))

/** Restore points: listed, held, verified, deleted, restored from. */
export function restorePointRoutes(app: App, context: Context): void {
  const needPoint = async (request: FastifyRequest, id: string): Promise<RestorePoint> => {
    const point = await findPoint(context, id)
    if (point === undefined) throw notFound('restore point', id)
    await enterInstance(request, point.instanceId, { what: 'restore point', id })
    return point
  }
  const readAgain = async (id: string) => {
    const point = await findPoint(context, id)
    if (point === undefined) throw notFound('restore point', id)
    return pointToWire(point)
  }

  app.get(
    '/restorePoints/byInstance/:instanceId',
    {
      config: { access: 'viewer' },
      schema: {
        summary: 'List the restore points of a service instance, newest first',
        params: z.object({ instanceId: z.string().max(200) }),
        querystring: filterQuery,
        response: { 200: pageSchema(restorePointSchema) },
      },
    },
    async (request) => {
      const { instanceId } = request.params
      await enterInstance(request, instanceId)
      const { plan, item, takenFrom, takenUntil, ...paging } = request.query
      const page = readPaging(paging, DEFAULT_PAGE)
      const filter = { instanceId, planId: plan, item, takenFrom: toDate(takenFrom), takenUntil: toDate(takenUntil) }
      const { entries, total } = await listPoints(context, filter, page)
      return toPage(entries.map(pointToWire), total, page)
    },
  )

  app.get(
    '/restorePoints/:id',
    {
      config: { access: 'viewer' },
      schema: { summary: 'Show a restore point', params, response: { 200: restorePointSchema } },
    },
    async (request) => pointToWire(await needPoint(request, request.params.id)),
  )

  for (const { action, held, summary } of [
    { action: 'hold', held: true, summary: 'Hold a restore point: it is not swept and not deleted' },
    { action: 'release', held: false, summary: 'Let go of a restore point that was held' },
  ]) {
    app.post(
      `/restorePoints/:id/${action}`,
      { config: { access: 'operator' }, schema: { summary, params, response: { 200: restorePointSchema } } },
      async (request) => {
        const { id } = await needPoint(request, request.params.id)
        await setHeld(context, id, held)
        return readAgain(id)
      },
    )
  }

  app.post(
    '/restorePoints/:id/verify',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Read the object back now and compare size and digest; answers when that is done',
        params,
        response: { 200: restorePointSchema },
      },
    },
    async (request, reply) => {
      const point = await needPoint(request, request.params.id)
      const left = new AbortController()
      reply.raw.once('close', () => left.abort(new Error('the caller is gone')))
      await verifyPoint(context, point, left.signal)
      return readAgain(point.id)
    },
  )

  app.post(
    '/restorePoints/:id/restore',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Start a restore job of one restore point',
        params,
        headers: idempotencyKeyHeader,
        body: restorePointStartSchema,
        response: { 201: restorePointStartedSchema },
      },
    },
    async (request, reply) => {
      const point = await needPoint(request, request.params.id)
      const { serviceInstance, database } = request.body
      const instanceId = serviceInstance?.service_instance_id ?? point.instanceId
      await enterInstance(request, instanceId)
      const target = { point, database: database ?? point.item }
      const job = await startRestore(context, instanceId, [target], request.body, onceOf(request))
      const restoreJob = await jobToAnswer(context, job)
      invariant(restoreJob.jobType === 'RESTORE', 'a started restore is a restore job')
      return reply.code(201).send({ restoreJob })
    },
  )

  app.delete(
    '/restorePoints/:id',
    {
      config: { access: 'operator' },
      schema: { summary: 'Delete a restore point with its object', params, response: { 204: z.null() } },
    },
    async (request, reply) => {
      await removeFiles(context, [await needPoint(request, request.params.id)])
      return reply.code(204).send(null)
    },
  )
}
