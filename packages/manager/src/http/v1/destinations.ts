import { destinationCheckSchema, listOf } from '@osb-backup/protocol/v1'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Context } from '../../context/context.ts'
import {
  createDestination,
  getAnyDestination,
  getDestination,
  searchDestinations,
  tryDestination,
} from '../../destinations/service.ts'
import { changeDestination, retireDestination } from '../../lifecycle/change-destination.ts'
import { RequestError } from '../../shared/request-error.ts'
import { OUTSIDE_CALL_DEADLINE_MS } from '../deadlines.ts'
import { editedVersion, sendVersion } from '../entity-version.ts'
import { parseIdempotencyKey } from '../idempotency-key.ts'
import { idempotencyKeyHeader, ifMatchHeader } from '../request-headers.ts'
import {
  destinationCreateSchema,
  destinationPatchSchema,
  destinationQuerySchema,
  destinationSchema,
  destinationSettingsSchema,
} from '../schemas/v1.ts'
import type { App } from '../typed-app.ts'
import { destinationFromWire, destinationToWire, settingsOfDestination } from './destination-codec.ts'
import { patched } from './edits.ts'
import { keysetOf, toList } from './lists.ts'
import { idParams as params } from './params.ts'

/** Destinations: created, changed, checked and deleted. */
export function destinationRoutes(app: App, context: Context): void {
  app.get(
    '/v1/destinations',
    {
      config: { access: 'viewer' },
      schema: {
        summary: 'List destinations',
        querystring: destinationQuerySchema,
        response: { 200: listOf(destinationSchema) },
      },
    },
    async (request) => {
      const { instance, kind, retired, q, ...paging } = request.query
      const filter = { instanceId: instance, kind, retired: retired === 'true', text: q }
      return toList(await searchDestinations(context, request.call, filter, keysetOf(paging)), destinationToWire)
    },
  )

  app.get(
    '/v1/destinations/:id',
    {
      config: { access: 'viewer' },
      schema: { summary: 'Show a destination, also a deleted one', params, response: { 200: destinationSchema } },
    },
    async (request, reply) => {
      const destination = await getAnyDestination(context, request.call, request.params.id)
      sendVersion(reply, destination.version)
      return destinationToWire(destination)
    },
  )

  app.post(
    '/v1/destinations',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Create a destination',
        headers: idempotencyKeyHeader,
        body: destinationCreateSchema,
        response: { 201: destinationSchema },
      },
    },
    async (request, reply) => {
      const { instanceId, ...settings } = request.body
      const wanted = { instanceId, ...destinationFromWire(settings, undefined) }
      const destination = await createDestination(context, request.call, wanted, parseIdempotencyKey(request))
      sendVersion(reply, destination.version)
      reply.header('Location', `/v1/destinations/${destination.id}`)
      return reply.code(201).send(destinationToWire(destination))
    },
  )

  app.patch(
    '/v1/destinations/:id',
    {
      handlerTimeout: OUTSIDE_CALL_DEADLINE_MS,
      config: { access: 'operator' },
      schema: {
        summary: 'Change a destination; its secret is kept unless you send another, and a move is verified',
        headers: ifMatchHeader,
        params,
        body: destinationPatchSchema,
        response: { 200: destinationSchema },
      },
    },
    async (request, reply) => {
      const call = request.call
      const edited = editedVersion(request)
      const stored = await getAnyDestination(context, call, request.params.id)
      const kind = request.body.store?.kind
      if (kind !== undefined && kind !== stored.store.type) {
        const message = 'The kind of a store cannot be changed: create a new destination.'
        throw new RequestError('invalid', message, { field: 'store.kind' })
      }
      const settings = patched(destinationSettingsSchema, settingsOfDestination(stored), request.body)
      const wanted = { ...stored, ...destinationFromWire(settings, stored) }
      const destination = await changeDestination(context, call, wanted, edited ?? stored.version)
      sendVersion(reply, destination.version)
      return destinationToWire(destination)
    },
  )

  app.post(
    '/v1/destinations/check',
    {
      handlerTimeout: OUTSIDE_CALL_DEADLINE_MS,
      config: { access: 'operator' },
      schema: {
        summary: 'Check settings of a destination without storing them: write, read back and remove an object',
        body: destinationCreateSchema,
        response: { 200: destinationCheckSchema },
      },
    },
    async (request) => {
      const { instanceId, ...settings } = request.body
      return check(request, { instanceId, ...destinationFromWire(settings, undefined) })
    },
  )

  app.post(
    '/v1/destinations/:id/check',
    {
      handlerTimeout: OUTSIDE_CALL_DEADLINE_MS,
      config: { access: 'operator' },
      schema: {
        summary: 'Check a destination: write, read back and remove an object',
        params,
        response: { 200: destinationCheckSchema },
      },
    },
    async (request) => check(request, await getDestination(context, request.call, request.params.id)),
  )

  app.delete(
    '/v1/destinations/:id',
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Delete a destination that no plan uses; stored objects are kept',
        params,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await retireDestination(context, request.call, request.params.id)
      return reply.code(204).send(null)
    },
  )

  async function check(request: FastifyRequest, destination: Parameters<typeof tryDestination>[2]) {
    const startedAt = performance.now()
    await tryDestination(context, request.call, destination)
    return { usable: true as const, durationSeconds: Math.round(performance.now() - startedAt) / 1000 }
  }
}
