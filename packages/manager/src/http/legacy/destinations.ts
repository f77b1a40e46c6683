import { pageSchema, type SentServiceInstance } from '@osb-backup/protocol'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { authorizeReferredInstance, unknownInstance } from '../../access/call.ts'
import type { Context } from '../../context/context.ts'
import {
  createDestination,
  findDestination,
  getAnyDestination,
  getDestination,
  listDestinations,
  requireFreeName,
  tryDestination,
} from '../../destinations/service.ts'
import type { ServiceInstance } from '../../instances/instance.ts'
import { findInstance, instancesById } from '../../instances/service.ts'
import {
  changeDestination,
  retireDestination,
  retireDestinationsOfInstance,
} from '../../lifecycle/change-destination.ts'
import { registerSentInstance } from '../../migration/register-sent-instance.ts'
import { invariant } from '../../shared/invariant.ts'
import { OUTSIDE_CALL_DEADLINE_MS } from '../deadlines.ts'
import { editedVersion, sendVersion } from '../entity-version.ts'
import { ifMatchHeader } from '../request-headers.ts'
import { fileDestinationRequestSchema, fileDestinationSchema } from '../schemas/legacy.ts'
import type { App } from '../typed-app.ts'
import { pagingQuery, readPaging, toPage } from './paging.ts'
import { byInstanceParams, idParams } from './params.ts'
import { destinationFromWire, destinationToWire } from './wire/file-destination.ts'

const DEFAULT_PAGE = 50

/** File destinations: created, changed, tried and retired. */
export function destinationRoutes(app: App, context: Context): void {
  /** The instance that the body of a request refers to, registered if it is sent whole. */
  const referredInstance = async (request: FastifyRequest, sent: SentServiceInstance): Promise<ServiceInstance> => {
    await registerSentInstance(context, request.call, sent)
    const { service_instance_id: id } = sent
    await authorizeReferredInstance(request.call, id, 'serviceInstance')
    const instance = await findInstance(context, id)
    if (instance === undefined) throw unknownInstance(id, 'serviceInstance')
    return instance
  }
  /** The instance of a destination, also one that is no longer registered. */
  const instanceOf = async (instanceId: string): Promise<ServiceInstance> => {
    const instance = (await instancesById(context, [instanceId])).get(instanceId)
    invariant(instance, `the service instance ${instanceId} of a destination is stored`)
    return instance
  }

  app.get(
    '/fileDestinations/byInstance/:instanceId',
    {
      config: { access: 'viewer' },
      schema: {
        summary: 'List the file destinations of a service instance',
        params: byInstanceParams,
        querystring: pagingQuery,
        response: { 200: pageSchema(fileDestinationSchema) },
      },
    },
    async (request) => {
      const { instanceId } = request.params
      const page = readPaging(request.query, DEFAULT_PAGE)
      const { entries, total } = await listDestinations(context, request.call, instanceId, page)
      if (entries.length === 0) return toPage([], total, page)
      const instance = await instanceOf(instanceId)
      const content = entries.map((each) => destinationToWire(each, instance))
      return toPage(content, total, page)
    },
  )

  app.get(
    '/fileDestinations/:id',
    {
      config: { access: 'viewer' },
      schema: { summary: 'Show a file destination', params: idParams, response: { 200: fileDestinationSchema } },
    },
    async (request, reply) => {
      const destination = await getDestination(context, request.call, request.params.id)
      sendVersion(reply, destination.version)
      return destinationToWire(destination, await instanceOf(destination.instanceId))
    },
  )

  app.post(
    '/fileDestinations',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Create a file destination',
        body: fileDestinationRequestSchema,
        response: { 201: fileDestinationSchema },
      },
    },
    async (request, reply) => {
      const instance = await referredInstance(request, request.body.serviceInstance)
      const wanted = destinationFromWire(request.body, instance.id, undefined)
      await requireFreeName(context, wanted)
      const destination = await createDestination(context, request.call, wanted)
      sendVersion(reply, destination.version)
      return reply.code(201).send(destinationToWire(destination, instance))
    },
  )

  app.patch(
    '/fileDestinations/:id',
    {
      handlerTimeout: OUTSIDE_CALL_DEADLINE_MS,
      config: { access: 'operator' },
      schema: {
        summary: 'Change a file destination; a secret that is absent or masked stays as it is',
        headers: ifMatchHeader,
        params: idParams,
        body: fileDestinationRequestSchema,
        response: { 200: fileDestinationSchema },
      },
    },
    async (request, reply) => {
      const stored = await getAnyDestination(context, request.call, request.params.id)
      const wanted = { ...stored, ...destinationFromWire(request.body, stored.instanceId, stored) }
      const destination = await changeDestination(context, request.call, wanted, editedVersion(request))
      sendVersion(reply, destination.version)
      return destinationToWire(destination, await instanceOf(destination.instanceId))
    },
  )

  app.post(
    '/fileDestinations/validate',
    {
      handlerTimeout: OUTSIDE_CALL_DEADLINE_MS,
      config: { access: 'operator' },
      schema: {
        summary: 'Check a file destination: write, read back and remove an object',
        body: fileDestinationRequestSchema,
        response: { 200: fileDestinationSchema },
      },
    },
    async (request) => {
      const { id } = request.body
      const instance = await referredInstance(request, request.body.serviceInstance)
      const found = id ? await findDestination(context, id) : undefined
      const stored = found?.instanceId === instance.id ? found : undefined
      const wanted = destinationFromWire(request.body, instance.id, stored)
      await requireFreeName(context, wanted, stored?.id)
      await tryDestination(context, request.call, wanted)
      return destinationToWire({ ...wanted, id: id ?? '' }, instance)
    },
  )

  app.delete(
    '/fileDestinations/:id',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Retire a file destination; stored objects are kept',
        params: idParams,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await retireDestination(context, request.call, request.params.id)
      return reply.code(204).send(null)
    },
  )

  app.delete(
    '/fileDestinations/byInstance/:instanceId',
    {
      config: { access: 'operator', brokers: 'deprovisioning' },
      schema: {
        summary: 'Retire all file destinations of an instance',
        params: byInstanceParams,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await retireDestinationsOfInstance(context, request.call, request.params.instanceId)
      return reply.code(204).send(null)
    },
  )
}
