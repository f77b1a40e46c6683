import type { Broker } from '../../broker/broker.ts'
import { BrokerError } from '../../broker/broker-error.ts'
import type { BrokerInstance } from '../../broker/broker-instance.ts'
import { deprovision } from '../../broker/deprovision.ts'
import type { PlatformCall } from '../../broker/platform-call.ts'
import { getBrokerInstance, provision, updateBrokerInstance } from '../../broker/service.ts'
import type { App } from '../typed-app.ts'
import {
  acceptsQuery,
  deleteQuery,
  fetchQuery,
  instanceParams,
  pollQuery,
  provisionBody,
  updateBody,
} from './schemas.ts'

/** How long a platform should wait before it asks again for an operation, in seconds. */
const POLL_AFTER_SECONDS = 5

/** Service instances of the manager's own broker. */
export function brokerInstanceRoutes(app: App, broker: Broker): void {
  app.put(
    '/service_instances/:instance_id',
    { schema: { params: instanceParams, querystring: acceptsQuery, body: provisionBody } },
    async (request, reply) => {
      const { body, platform } = request
      const { instance, isNew } = await provision(broker, platform, {
        id: request.params.instance_id,
        serviceId: body.service_id,
        planId: body.plan_id,
        organizationGuid: body.organization_guid,
        spaceGuid: body.space_guid,
        context: body.context ?? {},
        parameters: body.parameters ?? {},
        maintenanceVersion: body.maintenance_info?.version,
      })
      return reply.code(isNew ? 201 : 200).send(described(platform, instance))
    },
  )

  app.get(
    '/service_instances/:instance_id',
    { schema: { params: instanceParams, querystring: fetchQuery } },
    async ({ params, platform }) => {
      const instance = await getBrokerInstance(broker, platform, params.instance_id)
      return {
        service_id: instance.serviceId,
        plan_id: instance.planId,
        parameters: instance.parameters,
        ...described(platform, instance),
      }
    },
  )

  app.patch(
    '/service_instances/:instance_id',
    { schema: { params: instanceParams, querystring: acceptsQuery, body: updateBody } },
    async ({ params, body, platform }) => {
      const instance = await updateBrokerInstance(broker, platform, {
        id: params.instance_id,
        serviceId: body.service_id,
        planId: body.plan_id,
        context: body.context,
        parameters: body.parameters,
        maintenanceVersion: body.maintenance_info?.version,
      })
      return described(platform, instance)
    },
  )

  app.delete(
    '/service_instances/:instance_id',
    { schema: { params: instanceParams, querystring: deleteQuery } },
    async ({ params, query, platform }, reply) => {
      const operation = await deprovision(broker, platform, {
        id: params.instance_id,
        serviceId: query.service_id,
        acceptsIncomplete: query.accepts_incomplete === 'true',
      })
      if (operation === undefined) return {}
      return reply.code(202).send({ operation: operation.id })
    },
  )

  app.get(
    '/service_instances/:instance_id/last_operation',
    { schema: { params: instanceParams, querystring: pollQuery } },
    async ({ params, platform }, reply) => {
      const instance = await getBrokerInstance(broker, platform, params.instance_id).catch((error: unknown) => {
        // Platforms take it for the success of a deletion.
        if (!(error instanceof BrokerError) || error.code !== 'NotFound') throw error
        throw new BrokerError('Gone', error.message, { cause: error })
      })
      if (instance.state === 'deprovisioning') reply.header('Retry-After', POLL_AFTER_SECONDS)
      return lastOperationOf(instance)
    },
  )
}

function described({ publicUrl }: PlatformCall, { protectedInstanceId, backupPlanId }: BrokerInstance) {
  return {
    dashboard_url: dashboardUrl(publicUrl, protectedInstanceId),
    metadata: { attributes: { service_instance: protectedInstanceId, backup_plan: backupPlanId } },
  }
}

/** The page of a service instance in the dashboard. */
export const dashboardUrl = (publicUrl: string, instanceId: string): string =>
  `${publicUrl}/instances/${encodeURIComponent(instanceId)}`

function lastOperationOf({ operation }: BrokerInstance) {
  if (operation === undefined) return { state: 'succeeded' }
  const { state, description } = operation
  // After a failure everything is as it was.
  return state === 'failed' ? { state, description, instance_usable: true } : { state, description }
}
