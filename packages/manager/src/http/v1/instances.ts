import {
  type Instance,
  instanceCreateSchema,
  instanceDeleteQuerySchema,
  instancePatchSchema,
  instanceQuerySchema,
  instanceSchema,
  itemListSchema,
  listOf,
} from '@osb-backup/protocol/v1'
import { z } from 'zod'
import type { Call } from '../../access/call.ts'
import type { Context } from '../../context/context.ts'
import { listGrantedItems } from '../../execution/list-items.ts'
import type { ServiceInstance } from '../../instances/instance.ts'
import { getInstance } from '../../instances/service.ts'
import { deleteInstance } from '../../lifecycle/delete-instance.ts'
import { deregisterInstance, getDeregistration } from '../../lifecycle/deregister.ts'
import { createInstance, updateInstance } from '../../lifecycle/save-instance.ts'
import { judgeInstances, type ProtectedInstance, searchProtectedInstances } from '../../protection/service.ts'
import { invariant } from '../../shared/invariant.ts'
import { RequestError } from '../../shared/request-error.ts'
import { OUTSIDE_CALL_DEADLINE_MS } from '../deadlines.ts'
import { editedVersion, sendVersion } from '../entity-version.ts'
import { parseIdempotencyKey } from '../idempotency-key.ts'
import { idempotencyKeyHeader, ifMatchHeader } from '../request-headers.ts'
import type { App } from '../typed-app.ts'
import { deregistrationToWire, editedInstance, fromWire, itemListToWire, toWire } from './instance-codec.ts'
import { keysetOf, toList } from './lists.ts'
import { idParams as params } from './params.ts'

/** Service instances, and the items that they consist of. */
export function instanceRoutes(app: App, context: Context): void {
  const judge = async (instance: ServiceInstance): Promise<ProtectedInstance> => {
    const [judged] = await judgeInstances(context, [instance])
    invariant(judged, 'one instance is judged')
    return judged
  }

  const show = async (call: Call, id: string): Promise<Instance> => {
    // First: one that is complete by now has deleted the instance.
    const deregistration = await getDeregistration(context, call, id)
    const instance = await getInstance(context, call, id)
    return { ...toWire(await judge(instance)), deregistration: deregistration && deregistrationToWire(deregistration) }
  }

  app.get(
    '/v1/instances',
    {
      config: { access: 'viewer', brokers: 'registering' },
      schema: {
        summary: 'List service instances, with their protection',
        querystring: instanceQuerySchema,
        response: { 200: listOf(instanceSchema) },
      },
    },
    async (request) => {
      const { agent, protection, q, ...paging } = request.query
      const filter = { agentId: agent, state: protection, text: q }
      return toList(await searchProtectedInstances(context, request.call, filter, keysetOf(paging)), toWire)
    },
  )

  app.get(
    '/v1/instances/:id',
    {
      config: { access: 'viewer', brokers: 'registering' },
      schema: { summary: 'Show a service instance', params, response: { 200: instanceSchema } },
    },
    async (request, reply) => {
      const { id } = request.params
      sendVersion(reply, (await getInstance(context, request.call, id)).version)
      return show(request.call, id)
    },
  )

  app.post(
    '/v1/instances',
    {
      config: { access: 'admin', brokers: 'registering' },
      schema: {
        summary: 'Register a service instance',
        headers: idempotencyKeyHeader,
        body: instanceCreateSchema,
        response: { 201: instanceSchema },
      },
    },
    async (request, reply) => {
      const { id, ...settings } = request.body
      const instance = await createInstance(
        context,
        request.call,
        { id, ...fromWire(settings) },
        parseIdempotencyKey(request),
      )
      sendVersion(reply, instance.version)
      reply.header('Location', `/v1/instances/${encodeURIComponent(id)}`)
      return reply.code(201).send(toWire(await judge(instance)))
    },
  )

  app.patch(
    '/v1/instances/:id',
    {
      config: { access: 'admin', brokers: 'registering' },
      schema: {
        summary: 'Change a service instance',
        headers: ifMatchHeader,
        params,
        body: instancePatchSchema,
        response: { 200: instanceSchema },
      },
    },
    async (request, reply) => {
      const call = request.call
      const edited = editedVersion(request)
      const stored = await getInstance(context, call, request.params.id)
      const wanted = { id: stored.id, ...editedInstance(stored, request.body) }
      const instance = await updateInstance(context, call, wanted, edited ?? stored.version)
      sendVersion(reply, instance.version)
      return toWire(await judge(instance))
    },
  )

  app.delete(
    '/v1/instances/:id',
    {
      config: { access: 'admin', brokers: 'registering' },
      schema: {
        summary: 'Delete a service instance; its restore points stay',
        description:
          'With `plans=delete` it is deregistered together with its plans. Where a last backup is taken, or a job has to end, the answer is ' +
          '202, and the instance has a `deregistration` until it is deleted (404) or that failed.',
        params,
        querystring: instanceDeleteQuerySchema,
        response: { 202: instanceSchema, 204: z.null() },
      },
    },
    async ({ call, params: { id }, query }, reply) => {
      call.audit.status = 204
      if (query.plans !== 'delete') {
        requireNoDeregistration(query)
        await deleteInstance(context, call, id)
        return reply.code(204).send(null)
      }
      const { lastBackup, keepFilesDays } = query
      const wanted = { lastBackup: lastBackup === 'true', keepFilesDays }
      if ((await deregisterInstance(context, call, id, wanted)) === undefined) return reply.code(204).send(null)
      return reply.code(202).send(await show(call, id))
    },
  )

  app.get(
    '/v1/instances/:id/items',
    {
      handlerTimeout: OUTSIDE_CALL_DEADLINE_MS,
      config: { access: 'viewer' },
      schema: {
        summary:
          'List the items of a service instance: those that plans cover, that have restore points, and that its agent lists',
        params,
        response: { 200: itemListSchema },
      },
    },
    async (request) => {
      const instance = await getInstance(context, request.call, request.params.id)
      const [{ items }, listed] = await Promise.all([judge(instance), listGrantedItems(context, instance)])
      return itemListToWire(items, listed)
    },
  )
}

/** @throws {RequestError} If the request says how an instance is deregistered that is to be deleted. */
function requireNoDeregistration({
  lastBackup,
  keepFilesDays,
}: {
  lastBackup?: unknown
  keepFilesDays?: unknown
}): void {
  const field = lastBackup !== undefined ? 'lastBackup' : keepFilesDays !== undefined ? 'keepFilesDays' : undefined
  if (field !== undefined) throw new RequestError('invalid', `${field} has no effect without plans=delete.`, { field })
}
