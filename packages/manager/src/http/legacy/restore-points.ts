import { about, pageSchema, restorePointSchema, restorePointStartSchema } from '@osb-backup/protocol'
import { z } from 'zod'
import type { Context } from '../../context/context.ts'
import { startRestore } from '../../jobs/start-restore.ts'
import { removeFiles } from '../../removals/service.ts'
import { getPoint, listPoints, setHeld } from '../../restore-points/service.ts'
import { verifyPoint } from '../../verification/service.ts'
import { longWorkDeadlineMs, OUTSIDE_CALL_DEADLINE_MS } from '../deadlines.ts'
import { parseIdempotencyKey } from '../idempotency-key.ts'
import { idempotencyKeyHeader } from '../request-headers.ts'
import { restorePointStartedSchema } from '../schemas/legacy.ts'
import type { App } from '../typed-app.ts'
import { restoreJobToAnswer } from './job-answers.ts'
import { pagingQuery, readPaging, toPage } from './paging.ts'
import { byInstanceParams, idParams } from './params.ts'
import { pointToWire } from './wire/restore-point.ts'
import { keyFromWire } from './wire/secret.ts'

const DEFAULT_PAGE = 50
const EXAMPLE_TIME = '2026-03-01T02:00:00.000+00:00'
const instant = z.iso.datetime({ offset: true }).optional()
const filterQuery = pagingQuery.extend({
  plan: z.string().max(100).optional().meta(about('Only of this backup plan', '69a3a7c0f1d2b3c4d5e6f708')),
  item: z.string().max(200).optional().meta(about('Only of this item', 'shop')),
  takenFrom: instant.meta(about('Only those taken at this time or later', EXAMPLE_TIME)),
  takenUntil: instant.meta(about('Only those taken before', EXAMPLE_TIME)),
})
const toDate = (text: string | undefined) => (text === undefined ? undefined : new Date(text))

/** Restore points: listed, held, verified, deleted, restored from. */
export function restorePointRoutes(app: App, context: Context): void {
  app.get(
    '/restorePoints/byInstance/:instanceId',
    {
      config: { access: 'viewer' },
      schema: {
        summary: 'List the restore points of a service instance, newest first',
        params: byInstanceParams,
        querystring: filterQuery,
        response: { 200: pageSchema(restorePointSchema) },
      },
    },
    async (request) => {
      const { instanceId } = request.params
      const { plan, item, takenFrom, takenUntil, ...paging } = request.query
      const page = readPaging(paging, DEFAULT_PAGE)
      const filter = { instanceId, planId: plan, item, takenFrom: toDate(takenFrom), takenUntil: toDate(takenUntil) }
      const { entries, total } = await listPoints(context, request.call, filter, page)
      return toPage(entries.map(pointToWire), total, page)
    },
  )

  app.get(
    '/restorePoints/:id',
    {
      config: { access: 'viewer' },
      schema: { summary: 'Show a restore point', params: idParams, response: { 200: restorePointSchema } },
    },
    async (request) => pointToWire(await getPoint(context, request.call, request.params.id)),
  )

  for (const { action, held, summary } of [
    { action: 'hold', held: true, summary: 'Hold a restore point: neither retention nor a user deletes it' },
    { action: 'release', held: false, summary: 'Release a restore point that is held' },
  ]) {
    app.post(
      `/restorePoints/:id/${action}`,
      { config: { access: 'operator' }, schema: { summary, params: idParams, response: { 200: restorePointSchema } } },
      async (request) => pointToWire(await setHeld(context, request.call, request.params.id, held)),
    )
  }

  app.post(
    '/restorePoints/:id/verify',
    {
      handlerTimeout: longWorkDeadlineMs(context.settings.verificationTimeoutSeconds),
      config: { access: 'operator' },
      schema: {
        summary: 'Read the object back now and compare size and digest; answers when that is done',
        params: idParams,
        response: { 200: restorePointSchema },
      },
    },
    async (request, reply) => {
      const disconnected = new AbortController()
      reply.raw.once('close', () => disconnected.abort(new Error('the caller disconnected')))
      return pointToWire(await verifyPoint(context, request.call, request.params.id, disconnected.signal))
    },
  )

  app.post(
    '/restorePoints/:id/restore',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Start a restore job from a restore point',
        params: idParams,
        headers: idempotencyKeyHeader,
        body: restorePointStartSchema,
        response: { 201: restorePointStartedSchema },
      },
    },
    async (request, reply) => {
      const { body, call } = request
      const point = await getPoint(context, call, request.params.id)
      const wanted = {
        instanceId: body.serviceInstance?.service_instance_id ?? point.instanceId,
        items: [{ point, database: body.database ?? point.item }] as const,
        privateKey: keyFromWire(body.privateKey),
        parameters: body.parameters,
      }
      const job = await startRestore(context, call, wanted, parseIdempotencyKey(request))
      return reply.code(201).send({ restoreJob: await restoreJobToAnswer(context, job) })
    },
  )

  app.delete(
    '/restorePoints/:id',
    {
      handlerTimeout: OUTSIDE_CALL_DEADLINE_MS,
      config: { access: 'operator' },
      schema: { summary: 'Delete a restore point with its object', params: idParams, response: { 204: z.null() } },
    },
    async (request, reply) => {
      await removeFiles(context, request.call, [await getPoint(context, request.call, request.params.id)])
      return reply.code(204).send(null)
    },
  )
}
