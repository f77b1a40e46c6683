import {
  type FileDestinationRequest,
  fileDestinationRequestSchema,
  fileDestinationSchema,
  pageSchema,
} from '@osb-backup/protocol'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { enterInstance } from '../../access/call.ts'
import type { Context } from '../../context/context.ts'
import type { FileDestination } from '../../destinations/destination.ts'
import { probeDestination } from '../../destinations/probe.ts'
import {
  findDestination,
  insertDestination,
  listDestinations,
  retireDestinations,
  updateDestination,
} from '../../destinations/repository.ts'
import { checkAddress, checkAllowed, checkNotMoved, checkUnused } from '../../destinations/rules.ts'
import type { ServiceInstance } from '../../instances/instance.ts'
import { findInstance } from '../../instances/repository.ts'
import { newIdentifier } from '../../shared/identifier.ts'
import { notFound, RequestError } from '../../shared/request-error.ts'
import { changedMeanwhile, editedVersion, sendVersion } from '../entity-version.ts'
import { ifMatchHeader } from '../request-headers.ts'
import type { App } from '../typed-app.ts'
import { pagingQuery, readPaging, toPage } from './paging.ts'
import { bandwidthFromWire, destinationToWire, storeFromWire } from './wire/file-destination.ts'

const DEFAULT_PAGE = 50
const params = z.object({ id: z.string().max(100) })
const byInstance = z.object({ instanceId: z.string().max(200) })

/** File destinations: made, changed, tried and retired. */
export function destinationRoutes(app: App, context: Context): void {
  /** The instance that a request names; one that the caller was not granted is none. */
  const needInstance = async (request: FastifyRequest, id: string): Promise<ServiceInstance> => {
    const isGranted = await request.caller.isGranted(id, request.method === 'GET' ? 'read' : 'change')
    const instance = isGranted ? await findInstance(context, id) : undefined
    request.auditedInstanceId = instance?.id
    if (instance !== undefined) return instance
    throw new RequestError('invalid', `There is no service instance ${JSON.stringify(id)}.`, {
      field: 'serviceInstance',
    })
  }
  const needDestination = async (request: FastifyRequest, id: string): Promise<FileDestination> => {
    const destination = await findDestination(context, id)
    if (destination === undefined) throw notFound('file destination', id)
    await enterInstance(request, destination.instanceId, { what: 'file destination', id })
    return destination
  }
  /** What a request asks for, with the secret kept that it leaves out; nothing is stored yet. */
  const read = async (wire: FileDestinationRequest, id: string, stored?: FileDestination): Promise<FileDestination> => {
    const store = storeFromWire(wire, stored?.store)
    await checkAllowed(store, context)
    await checkAddress(store, context)
    return {
      id,
      version: stored?.version ?? 0,
      instanceId: stored?.instanceId ?? wire.serviceInstance.service_instance_id,
      name: wire.name,
      store,
      bandwidthLimitBytesPerSecond: bandwidthFromWire(wire, stored),
    }
  }

  app.get(
    '/fileDestinations/byInstance/:instanceId',
    {
      config: { access: 'viewer' },
      schema: {
        summary: 'List the file destinations of a service instance',
        params: byInstance,
        querystring: pagingQuery,
        response: { 200: pageSchema(fileDestinationSchema) },
      },
    },
    async (request) => {
      const page = readPaging(request.query, DEFAULT_PAGE)
      await enterInstance(request, request.params.instanceId)
      const instance = await findInstance(context, request.params.instanceId)
      if (instance === undefined) return toPage([], 0, page)
      const { entries, total } = await listDestinations(context, instance.id, page)
      return toPage(
        entries.map((each) => destinationToWire(each, instance)),
        total,
        page,
      )
    },
  )

  app.get(
    '/fileDestinations/:id',
    {
      config: { access: 'viewer' },
      schema: { summary: 'Show a file destination', params, response: { 200: fileDestinationSchema } },
    },
    async (request, reply) => {
      const destination = await needDestination(request, request.params.id)
      sendVersion(reply, destination.version)
      return destinationToWire(destination, await needInstance(request, destination.instanceId))
    },
  )

  app.post(
    '/fileDestinations',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Make a file destination',
        body: fileDestinationRequestSchema,
        response: { 201: fileDestinationSchema },
      },
    },
    async (request, reply) => {
      const instance = await needInstance(request, request.body.serviceInstance.service_instance_id)
      const destination = await read(request.body, newIdentifier(context.now()))
      await insertDestination(context, destination)
      sendVersion(reply, 1)
      return reply.code(201).send(destinationToWire(destination, instance))
    },
  )

  app.patch(
    '/fileDestinations/:id',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Change a file destination; a secret that is absent or masked stays as it is',
        headers: ifMatchHeader,
        params,
        body: fileDestinationRequestSchema,
        response: { 200: fileDestinationSchema },
      },
    },
    async (request, reply) => {
      const stored = await needDestination(request, request.params.id)
      const destination = await read(request.body, stored.id, stored)
      await checkNotMoved(context, stored.id, stored.store, destination.store)
      const version = await updateDestination(context, destination, editedVersion(request))
      if (version === undefined) throw changedMeanwhile()
      sendVersion(reply, version)
      return destinationToWire(destination, await needInstance(request, destination.instanceId))
    },
  )

  app.post(
    '/fileDestinations/validate',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Try a file destination: write, read back and remove an object',
        body: fileDestinationRequestSchema,
        response: { 200: fileDestinationSchema },
      },
    },
    async (request) => {
      const { id } = request.body
      const instance = await needInstance(request, request.body.serviceInstance.service_instance_id)
      const stored = id ? await findDestination(context, id) : undefined
      const destination = await read(request.body, id ?? '', stored?.instanceId === instance.id ? stored : undefined)
      await probeDestination(destination.store, context)
      return destinationToWire(destination, instance)
    },
  )

  app.delete(
    '/fileDestinations/:id',
    {
      config: { access: 'operator' },
      schema: { summary: 'Retire a file destination; what is stored in it stays', params, response: { 204: z.null() } },
    },
    async (request, reply) => {
      const { id } = await needDestination(request, request.params.id)
      await checkUnused(context, id)
      await retireDestinations(context, { id }, context.now())
      return reply.code(204).send(null)
    },
  )

  app.delete(
    '/fileDestinations/byInstance/:instanceId',
    {
      config: { access: 'operator', brokers: true },
      schema: {
        summary: 'Retire all file destinations of an instance',
        params: byInstance,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const { instanceId } = request.params
      await enterInstance(request, instanceId)
      const plan = await context.database
        .selectFrom('backup_plans')
        .select('name')
        .where('instance_id', '=', instanceId)
        .limit(1)
        .executeTakeFirst()
      if (plan !== undefined)
        throw new RequestError('conflict', `The backup plan ${JSON.stringify(plan.name)} still uses one of them.`)
      await retireDestinations(context, { instanceId }, context.now())
      return reply.code(204).send(null)
    },
  )
}
