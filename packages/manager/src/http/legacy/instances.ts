import { pageSchema, serviceInstanceRequestSchema, serviceInstanceSchema } from '@osb-backup/protocol'
import { z } from 'zod'
import { enterInstance } from '../../access/call.ts'
import type { Context } from '../../context/context.ts'
import { backupHost } from '../../instances/instance.ts'
import { findInstance, listInstances, removeInstance, saveInstance } from '../../instances/repository.ts'
import { notFound, RequestError } from '../../shared/request-error.ts'
import { changedMeanwhile, editedVersion, sendVersion } from '../entity-version.ts'
import { ifMatchHeader } from '../request-headers.ts'
import type { App } from '../typed-app.ts'
import { pagingQuery, readPaging, toPage } from './paging.ts'
import { instanceFromWire, instanceToWire } from './wire/service-instance.ts'

const DEFAULT_PAGE = 50
const params = z.object({ id: z.string().regex(/^[\w.:-]{1,200}$/, 'must be 1 to 200 letters, digits or . _ : -') })

/** Registers and lists service instances. */
export function instanceRoutes(app: App, context: Context): void {
  app.get(
    '/serviceInstances',
    {
      config: { access: 'viewer' },
      schema: {
        summary: 'List service instances',
        querystring: pagingQuery,
        response: { 200: pageSchema(serviceInstanceSchema) },
      },
    },
    async (request) => {
      const page = readPaging(request.query, DEFAULT_PAGE)
      const { entries, total } = await listInstances(context, await request.caller.grants(), page)
      return toPage(entries.map(instanceToWire), total, page)
    },
  )

  app.get(
    '/serviceInstances/:id',
    {
      config: { access: 'viewer' },
      schema: { summary: 'Show a service instance', params, response: { 200: serviceInstanceSchema } },
    },
    async (request, reply) => {
      await enterInstance(request, request.params.id)
      const instance = await findInstance(context, request.params.id)
      if (instance === undefined) throw notFound('service instance', request.params.id)
      sendVersion(reply, instance.version)
      return instanceToWire(instance)
    },
  )

  app.put(
    '/serviceInstances/:id',
    {
      config: { access: 'admin' },
      schema: {
        summary: 'Register a service instance, or replace what is known of it',
        headers: ifMatchHeader,
        params,
        body: serviceInstanceRequestSchema,
        response: { 200: serviceInstanceSchema, 201: serviceInstanceSchema },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      await enterInstance(request, id)
      const sent = request.body.service_instance_id
      if (sent !== undefined && sent !== id) {
        throw new RequestError(
          'invalid',
          `service_instance_id is ${JSON.stringify(sent)}, the path says ${JSON.stringify(id)}.`,
          {
            field: 'service_instance_id',
          },
        )
      }
      const stored = await findInstance(context, id)
      const instance = instanceFromWire(id, request.body, stored)
      backupHost(instance.hosts)
      if (instance.agent.password === undefined) {
        throw new RequestError('invalid', 'agent.password is needed: the password the agent was started with.', {
          field: 'agent.password',
        })
      }
      const version = await saveInstance(context, instance, editedVersion(request))
      if (version === undefined) throw changedMeanwhile()
      sendVersion(reply, version)
      return reply.code(stored === undefined ? 201 : 200).send(instanceToWire(instance))
    },
  )

  app.delete(
    '/serviceInstances/:id',
    {
      config: { access: 'admin' },
      schema: { summary: 'Forget a service instance; its restore points stay', params, response: { 204: z.null() } },
    },
    async (request, reply) => {
      const { id } = request.params
      await enterInstance(request, id)
      if ((await findInstance(context, id)) === undefined) throw notFound('service instance', id)
      const plan = await context.database
        .selectFrom('backup_plans')
        .select('name')
        .where('instance_id', '=', id)
        .limit(1)
        .executeTakeFirst()
      if (plan !== undefined) {
        throw new RequestError(
          'conflict',
          `The service instance still has the backup plan ${JSON.stringify(plan.name)}: delete its plans first.`,
        )
      }
      await removeInstance(context, id, context.now())
      return reply.code(204).send(null)
    },
  )
}
