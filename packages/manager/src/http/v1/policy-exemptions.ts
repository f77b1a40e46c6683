import {
  listOf,
  type PolicyExemption,
  policyExemptionCreateSchema,
  policyExemptionPatchSchema,
  policyExemptionQuerySchema,
  policyExemptionSchema,
  policyExemptionSettingsSchema,
} from '@osb-backup/protocol/v1'
import { z } from 'zod'
import { requireAllInstances } from '../../access/limits.ts'
import type { Context } from '../../context/context.ts'
import { readClock } from '../../database/clock.ts'
import type { Exemption } from '../../exemptions/exemption.ts'
import {
  createExemption,
  deleteExemption,
  getExemption,
  searchExemptions,
  updateExemption,
} from '../../exemptions/service.ts'
import { changedMeanwhile } from '../../shared/request-error.ts'
import { editedVersion, sendVersion } from '../entity-version.ts'
import { parseIdempotencyKey } from '../idempotency-key.ts'
import { idempotencyKeyHeader, ifMatchHeader } from '../request-headers.ts'
import type { App } from '../typed-app.ts'
import { patched } from './edits.ts'
import { keysetOf, toList } from './lists.ts'
import { idParams as params } from './params.ts'

const path = '/v1/policy-exemptions'

/** Service instances that are unprotected on purpose. */
export function policyExemptionRoutes(app: App, context: Context): void {
  const show = async (exemption: Exemption) => toWire(exemption, await readClock(context))

  app.get(
    path,
    {
      config: { access: 'viewer' },
      schema: {
        summary: 'List service instances that are unprotected on purpose',
        querystring: policyExemptionQuerySchema,
        response: { 200: listOf(policyExemptionSchema) },
      },
    },
    async (request) => {
      const { instance, active, q, ...paging } = request.query
      const filter = { instanceId: instance, isActive: active && active === 'true', text: q }
      const page = await searchExemptions(context, request.call, filter, keysetOf(paging))
      const now = await readClock(context)
      return toList(page, (exemption) => toWire(exemption, now))
    },
  )

  app.get(
    `${path}/:id`,
    {
      config: { access: 'viewer' },
      schema: { summary: 'Show an exemption', params, response: { 200: policyExemptionSchema } },
    },
    async (request, reply) => {
      const exemption = await getExemption(context, request.call, request.params.id)
      sendVersion(reply, exemption.version)
      return show(exemption)
    },
  )

  app.post(
    path,
    {
      config: { access: 'operator' },
      schema: {
        summary:
          'Exempt a service instance: it is unprotected on purpose, and raises no alarms of that, until the expiry',
        headers: idempotencyKeyHeader,
        body: policyExemptionCreateSchema,
        response: { 201: policyExemptionSchema },
      },
    },
    async (request, reply) => {
      const { expiresAt, ...wanted } = request.body
      const exemption = await createExemption(
        context,
        request.call,
        { ...wanted, expiresAt: new Date(expiresAt) },
        parseIdempotencyKey(request),
      )
      sendVersion(reply, exemption.version)
      return reply
        .code(201)
        .header('Location', `${path}/${exemption.id}`)
        .send(await show(exemption))
    },
  )

  app.patch(
    `${path}/:id`,
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Change reason or expiry of an exemption',
        headers: ifMatchHeader,
        params,
        body: policyExemptionPatchSchema,
        response: { 200: policyExemptionSchema },
      },
    },
    async (request, reply) => {
      const stored = await getExemption(context, request.call, request.params.id)
      await requireAllInstances(request.call)
      const edited = editedVersion(request)
      if (edited !== undefined && edited !== stored.version) throw changedMeanwhile()
      const settings = patched(policyExemptionSettingsSchema, settingsOf(stored), request.body)
      const wanted = { ...stored, reason: settings.reason, expiresAt: new Date(settings.expiresAt) }
      const exemption = await updateExemption(context, request.call, wanted, stored)
      sendVersion(reply, exemption.version)
      return show(exemption)
    },
  )

  app.delete(
    `${path}/:id`,
    {
      config: { access: 'operator' },
      schema: {
        summary: 'End an exemption: the service instance is protected again within a minute',
        params,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await deleteExemption(context, request.call, request.params.id)
      return reply.code(204).send(null)
    },
  )
}

const settingsOf = ({ reason, expiresAt }: Exemption) => ({ reason, expiresAt: expiresAt.toISOString() })

function toWire(exemption: Exemption, now: Date): PolicyExemption {
  const { id, instanceId, exemptedBy, expiresAt, createdAt } = exemption
  return {
    ...{ id, instanceId, ...settingsOf(exemption) },
    exemptedBy: exemptedBy.name,
    active: expiresAt > now,
    createdAt: createdAt.toISOString(),
  }
}
