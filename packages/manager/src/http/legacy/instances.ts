import { about, pageSchema, serviceInstanceRequestSchema, serviceInstanceSchema } from '@osb-backup/protocol'
import { z } from 'zod'
import type { Context } from '../../context/context.ts'
import { findInstance, getInstance, listInstances } from '../../instances/service.ts'
import { deleteInstance } from '../../lifecycle/delete-instance.ts'
import { authorizeRegistration, saveInstanceWithAgent } from '../../lifecycle/save-instance.ts'
import { RequestError } from '../../shared/request-error.ts'
import { editedVersion, sendVersion } from '../entity-version.ts'
import { ifMatchHeader } from '../request-headers.ts'
import type { App } from '../typed-app.ts'
import { pagingQuery, readPaging, toPage } from './paging.ts'
import { instanceFromWire, instanceToWire } from './wire/service-instance.ts'

const DEFAULT_PAGE = 50
const idPattern = z.string().regex(/^[\w.:-]{1,200}$/, 'must be 1 to 200 letters, digits or . _ : -')
const params = z.object({ id: idPattern.meta(about('Id of the service instance', 'shop-db')) })

/** Service instances: registered, listed and deleted. */
export function instanceRoutes(app: App, context: Context): void {
  app.get(
    '/serviceInstances',
    {
      config: { access: 'viewer', brokers: 'registering' },
      schema: {
        summary: 'List service instances',
        querystring: pagingQuery,
        response: { 200: pageSchema(serviceInstanceSchema) },
      },
    },
    async (request) => {
      const page = readPaging(request.query, DEFAULT_PAGE)
      const { entries, total } = await listInstances(context, request.call, page)
      return toPage(entries.map(instanceToWire), total, page)
    },
  )

  app.get(
    '/serviceInstances/:id',
    {
      config: { access: 'viewer', brokers: 'registering' },
      schema: { summary: 'Show a service instance', params, response: { 200: serviceInstanceSchema } },
    },
    async (request, reply) => {
      const instance = await getInstance(context, request.call, request.params.id)
      sendVersion(reply, instance.version)
      return instanceToWire(instance)
    },
  )

  app.put(
    '/serviceInstances/:id',
    {
      config: { access: 'admin', brokers: 'registering' },
      schema: {
        summary: 'Register a service instance, or replace it',
        headers: ifMatchHeader,
        params,
        body: serviceInstanceRequestSchema,
        response: { 200: serviceInstanceSchema, 201: serviceInstanceSchema },
      },
    },
    async (request, reply) => {
      const { body, call } = request
      const { id } = request.params
      await authorizeRegistration(context, call, id)
      const sent = body.service_instance_id
      if (sent !== undefined && sent !== id) {
        const message = `service_instance_id is ${JSON.stringify(sent)}, the path says ${JSON.stringify(id)}.`
        throw new RequestError('invalid', message, { field: 'service_instance_id' })
      }
      const stored = await findInstance(context, id)
      call.audit.status = stored === undefined ? 201 : 200
      const wanted = instanceFromWire(id, body, stored)
      const instance = await saveInstanceWithAgent(context, call, wanted, editedVersion(request))
      sendVersion(reply, instance.version)
      return reply.code(stored === undefined ? 201 : 200).send(instanceToWire(instance))
    },
  )

  app.delete(
    '/serviceInstances/:id',
    {
      config: { access: 'admin', brokers: 'registering' },
      schema: { summary: 'Delete a service instance; its restore points stay', params, response: { 204: z.null() } },
    },
    async (request, reply) => {
      await deleteInstance(context, request.call, request.params.id)
      return reply.code(204).send(null)
    },
  )
}
