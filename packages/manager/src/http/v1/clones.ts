import {
  cloneQuerySchema,
  cloneRequestSchema,
  cloneSchema,
  listOf,
  type Clone as WireClone,
} from '@osb-backup/protocol/v1'
import type { Clone } from '../../clones/clone.ts'
import { cancelClone, getClone, requestClone, searchClones } from '../../clones/service.ts'
import type { Context } from '../../context/context.ts'
import { OUTSIDE_CALL_DEADLINE_MS } from '../deadlines.ts'
import { parseIdempotencyKey } from '../idempotency-key.ts'
import { idempotencyKeyHeader } from '../request-headers.ts'
import type { App } from '../typed-app.ts'
import { keysetOf, toList } from './lists.ts'
import { idParams as params } from './params.ts'

/** Copies of the data of service instances in other ones. */
export function cloneRoutes(app: App, context: Context): void {
  app.post(
    '/v1/instances/:id/clone',
    {
      handlerTimeout: OUTSIDE_CALL_DEADLINE_MS,
      config: { access: 'operator' },
      schema: {
        summary: 'Start a copy of an item of a service instance in another one; the item is read from a restore point',
        headers: idempotencyKeyHeader,
        params,
        body: cloneRequestSchema,
        response: { 202: cloneSchema },
      },
    },
    async (request, reply) => {
      const key = parseIdempotencyKey(request)
      const clone = await requestClone(context, request.call, request.params.id, request.body, key)
      return reply.code(202).header('Location', `/v1/clones/${clone.id}`).send(toWire(clone))
    },
  )

  app.get(
    '/v1/clones',
    {
      config: { access: 'viewer' },
      schema: {
        summary: 'List clones of service instances',
        querystring: cloneQuerySchema,
        response: { 200: listOf(cloneSchema) },
      },
    },
    async (request) => {
      const { instance, state, ...paging } = request.query
      const filter = { instanceId: instance, state }
      return toList(await searchClones(context, request.call, filter, keysetOf(paging)), toWire)
    },
  )

  app.get(
    '/v1/clones/:id',
    { config: { access: 'viewer' }, schema: { summary: 'Show a clone', params, response: { 200: cloneSchema } } },
    async (request) => toWire(await getClone(context, request.call, request.params.id)),
  )

  app.post(
    '/v1/clones/:id/cancel',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Cancel a clone; an instance that was provisioned for it is deleted',
        params,
        response: { 202: cloneSchema },
      },
    },
    async (request, reply) => {
      const clone = await cancelClone(context, request.call, request.params.id)
      return reply.code(202).header('Location', `/v1/clones/${clone.id}`).send(toWire(clone))
    },
  )
}

function toWire(clone: Clone): WireClone {
  const { id, sourceInstanceId, item, restorePointId, state, database, restoreJobId, failure } = clone
  return {
    ...{ id, sourceInstanceId, item, restorePointId, state, database, restoreJobId, failure },
    masked: clone.isMasked,
    instanceId: clone.targetInstanceId,
    isProvisioned: clone.targetKind === 'service-broker',
    createdAt: clone.createdAt.toISOString(),
    endedAt: clone.endedAt?.toISOString(),
  }
}
