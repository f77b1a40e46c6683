import {
  listOf,
  provisionedCredentialsSchema,
  provisionedInstanceCreateSchema,
  provisionedInstanceQuerySchema,
  provisionedInstanceSchema,
  type ProvisionedInstance as WireInstance,
} from '@osb-backup/protocol/v1'
import type { Context } from '../../context/context.ts'
import { type ProvisionedInstance, stateOf } from '../../service-brokers/provisioned-instance.ts'
import {
  deprovision,
  getProvisioned,
  requestTrial,
  revealCredentials,
  searchProvisioned,
} from '../../service-brokers/provisioned-service.ts'
import { OUTSIDE_CALL_DEADLINE_MS } from '../deadlines.ts'
import { parseIdempotencyKey } from '../idempotency-key.ts'
import { idempotencyKeyHeader } from '../request-headers.ts'
import type { App } from '../typed-app.ts'
import { keysetOf, toList } from './lists.ts'
import { idParams as params } from './params.ts'

const path = '/v1/provisioned-instances'

/** Instances that the manager provisioned through service brokers. */
export function provisionedInstanceRoutes(app: App, context: Context): void {
  app.get(
    path,
    {
      config: { access: 'viewer' },
      schema: {
        summary: 'List instances that the manager provisioned through service brokers',
        querystring: provisionedInstanceQuerySchema,
        response: { 200: listOf(provisionedInstanceSchema) },
      },
    },
    async (request) => {
      const { instance, serviceBroker, state, ...paging } = request.query
      const filter = { instanceId: instance, serviceBrokerId: serviceBroker, state }
      return toList(await searchProvisioned(context, request.call, filter, keysetOf(paging)), toWire)
    },
  )

  app.get(
    `${path}/:id`,
    {
      config: { access: 'viewer' },
      schema: { summary: 'Show a provisioned instance', params, response: { 200: provisionedInstanceSchema } },
    },
    async (request) => toWire(await getProvisioned(context, request.call, request.params.id)),
  )

  app.post(
    path,
    {
      handlerTimeout: OUTSIDE_CALL_DEADLINE_MS,
      config: { access: 'admin' },
      schema: {
        summary: 'Provision an instance, to try a service broker',
        headers: idempotencyKeyHeader,
        body: provisionedInstanceCreateSchema,
        response: { 202: provisionedInstanceSchema },
      },
    },
    async (request, reply) => {
      const { instanceId, serviceBrokerId, service, servicePlan, parameters } = request.body
      const wanted = { instanceId, serviceBrokerId, service, servicePlan, parameters }
      const instance = await requestTrial(context, request.call, wanted, parseIdempotencyKey(request))
      reply.header('Location', `${path}/${instance.id}`)
      return reply.code(202).send(toWire(instance))
    },
  )

  app.delete(
    `${path}/:id`,
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Delete a provisioned instance with its data, at its broker; read it for when that is confirmed',
        params,
        response: { 202: provisionedInstanceSchema },
      },
    },
    async (request, reply) => {
      const instance = await deprovision(context, request.call, request.params.id)
      reply.header('Location', `${path}/${instance.id}`)
      return reply.code(202).send(toWire(instance))
    },
  )

  app.post(
    `${path}/:id/credentials`,
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Read the credentials of a provisioned instance that is ready; recorded in the audit log',
        params,
        response: { 200: provisionedCredentialsSchema },
      },
    },
    async (request) => revealCredentials(context, request.call, request.params.id),
  )
}

function toWire(instance: ProvisionedInstance): WireInstance {
  const { id, serviceBrokerId, purpose, jobId, sourceInstanceId, failure, error, attempts, dashboardUrl } = instance
  return {
    ...{ id, serviceBrokerId, purpose, jobId, sourceInstanceId, failure, error, attempts, dashboardUrl },
    serviceId: instance.serviceId,
    servicePlanId: instance.planId,
    state: stateOf(instance),
    nextAttemptAt: instance.nextStepAt?.toISOString(),
    createdAt: instance.createdAt.toISOString(),
    endedAt: instance.endedAt?.toISOString(),
  }
}
