import {
  listOf,
  type ServiceBrokerCreate,
  serviceBrokerCheckSchema,
  serviceBrokerCreateSchema,
  serviceBrokerPatchSchema,
  serviceBrokerQuerySchema,
  serviceBrokerSchema,
  serviceCatalogSchema,
  type ServiceBroker as WireBroker,
} from '@osb-backup/protocol/v1'
import { z } from 'zod'
import type { Context } from '../../context/context.ts'
import type { CatalogService } from '../../service-brokers/catalog.ts'
import {
  type CountedBroker,
  createBroker,
  deleteBroker,
  getBroker,
  getCatalog,
  searchBrokers,
  updateBroker,
} from '../../service-brokers/service.ts'
import { BROKER_DEFAULTS, type NewServiceBroker, type ServiceBroker } from '../../service-brokers/service-broker.ts'
import { changedMeanwhile } from '../../shared/request-error.ts'
import { OUTSIDE_CALL_DEADLINE_MS } from '../deadlines.ts'
import { editedVersion, sendVersion } from '../entity-version.ts'
import { parseIdempotencyKey } from '../idempotency-key.ts'
import { idempotencyKeyHeader, ifMatchHeader } from '../request-headers.ts'
import type { App } from '../typed-app.ts'
import { isSameOrigin, patched } from './edits.ts'
import { keysetOf, toList } from './lists.ts'
import { idParams as params } from './params.ts'

const config = { access: 'admin' } as const
const path = '/v1/service-brokers'

/** Service brokers that the manager is a client of. */
export function serviceBrokerRoutes(app: App, context: Context): void {
  app.get(
    path,
    {
      config,
      schema: {
        summary: 'List service brokers',
        querystring: serviceBrokerQuerySchema,
        response: { 200: listOf(serviceBrokerSchema) },
      },
    },
    async (request) => {
      const { q, ...paging } = request.query
      return toList(await searchBrokers(context, request.call, q, keysetOf(paging)), toWire)
    },
  )

  app.get(
    `${path}/:id`,
    { config, schema: { summary: 'Show a service broker', params, response: { 200: serviceBrokerSchema } } },
    async (request, reply) => {
      const found = await getBroker(context, request.call, request.params.id)
      sendVersion(reply, found.broker.version)
      return toWire(found)
    },
  )

  app.post(
    path,
    {
      config,
      schema: {
        summary: 'Register a service broker, which the manager asks for instances',
        headers: idempotencyKeyHeader,
        body: serviceBrokerCreateSchema,
        response: { 201: serviceBrokerSchema },
      },
    },
    async (request, reply) => {
      const broker = await createBroker(context, request.call, fromWire(request.body), parseIdempotencyKey(request))
      sendVersion(reply, broker.version)
      return reply
        .code(201)
        .header('Location', `${path}/${broker.id}`)
        .send(toWire({ broker, instanceCount: 0 }))
    },
  )

  app.patch(
    `${path}/:id`,
    {
      config,
      schema: {
        summary: 'Change a service broker; another server requires the password',
        headers: ifMatchHeader,
        params,
        body: serviceBrokerPatchSchema,
        response: { 200: serviceBrokerSchema },
      },
    },
    async (request, reply) => {
      const { broker: stored } = await getBroker(context, request.call, request.params.id)
      const edited = editedVersion(request)
      if (edited !== undefined && edited !== stored.version) throw changedMeanwhile()
      const settings = patched(serviceBrokerCreateSchema, keptOf(stored, request.body.url), request.body)
      const changed = await updateBroker(context, request.call, { ...stored, ...fromWire(settings) })
      sendVersion(reply, changed.broker.version)
      return toWire(changed)
    },
  )

  app.delete(
    `${path}/:id`,
    {
      config,
      schema: {
        summary: 'Delete a service broker of which no instance may exist',
        params,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await deleteBroker(context, request.call, request.params.id)
      return reply.code(204).send(null)
    },
  )

  app.post(
    `${path}/:id/check`,
    {
      handlerTimeout: OUTSIDE_CALL_DEADLINE_MS,
      config,
      schema: {
        summary: 'Check a service broker: read its catalog',
        params,
        response: { 200: serviceBrokerCheckSchema },
      },
    },
    async (request) => {
      const startedAt = performance.now()
      const services = await getCatalog(context, request.call, request.params.id)
      const durationSeconds = Math.round(performance.now() - startedAt) / 1000
      return { usable: true as const, services: services.filter(({ isAllowed }) => isAllowed).length, durationSeconds }
    },
  )

  app.get(
    `${path}/:id/catalog`,
    {
      handlerTimeout: OUTSIDE_CALL_DEADLINE_MS,
      config,
      schema: {
        summary: 'List the services and service plans of a service broker',
        params,
        response: { 200: serviceCatalogSchema },
      },
    },
    async (request) => {
      const services = await getCatalog(context, request.call, request.params.id)
      return { services: services.map(serviceToWire) }
    },
  )
}

function fromWire(settings: ServiceBrokerCreate): NewServiceBroker {
  const { name, url, username, password, caCertificate, services, agentId, organizationGuid, spaceGuid } = settings
  return {
    ...{ name, url, username, password, caCertificate, services, agentId, organizationGuid, spaceGuid },
    maxInstances: settings.maxInstances ?? BROKER_DEFAULTS.maxInstances,
    requestTimeoutSeconds: settings.requestTimeoutSeconds ?? BROKER_DEFAULTS.requestTimeoutSeconds,
    operationTimeoutSeconds: settings.operationTimeoutSeconds ?? BROKER_DEFAULTS.operationTimeoutSeconds,
    registersInstances: settings.registersInstances ?? BROKER_DEFAULTS.registersInstances,
  }
}

/** A service broker as a client would send it, with its password, unless the patch leads elsewhere. */
function keptOf({ id: _, version, createdAt, password, ...settings }: ServiceBroker, url: unknown): unknown {
  const isMoved = typeof url === 'string' && URL.canParse(url) && !isSameOrigin(url, settings.url)
  return isMoved ? settings : { ...settings, password }
}

function toWire({ broker, instanceCount }: CountedBroker): WireBroker {
  const { id, name, url, username, password, caCertificate, services, agentId } = broker
  return {
    ...{ id, name, url, username, caCertificate, agentId },
    passwordSet: password !== undefined,
    services: services && [...services],
    maxInstances: broker.maxInstances,
    requestTimeoutSeconds: broker.requestTimeoutSeconds,
    operationTimeoutSeconds: broker.operationTimeoutSeconds,
    registersInstances: broker.registersInstances,
    organizationGuid: broker.organizationGuid,
    spaceGuid: broker.spaceGuid,
    instanceCount,
    createdAt: broker.createdAt.toISOString(),
  }
}

function serviceToWire({ isAllowed, plans, ...service }: CatalogService) {
  return {
    ...service,
    allowed: isAllowed,
    plans: plans.map(({ id, name, description, isFree, isBindable }) => ({
      ...{ id, name, description },
      free: isFree,
      bindable: isBindable,
    })),
  }
}
