import { omitUndefined } from '@osb-backup/node'
import { type Bound, bind, getBinding, unbind } from '../../broker/bindings.ts'
import type { Broker } from '../../broker/broker.ts'
import { BrokerError } from '../../broker/broker-error.ts'
import type { PlatformCall } from '../../broker/platform-call.ts'
import type { App } from '../typed-app.ts'
import { dashboardUrl } from './instances.ts'
import { acceptsQuery, bindBody, bindingParams, deleteQuery, fetchQuery, pollQuery } from './schemas.ts'

const path = '/service_instances/:instance_id/service_bindings/:binding_id'
/** Bindings that expire are to be renewed in the last part of their life. */
const RENEWAL_PART = 0.1

/** Bindings, also those of service keys. */
export function brokerBindingRoutes(app: App, broker: Broker): void {
  app.put(
    path,
    { schema: { params: bindingParams, querystring: acceptsQuery, body: bindBody } },
    async ({ params, body, platform }, reply) => {
      const { space_guid: spaceGuid } = body.context ?? {}
      const appGuid = body.app_guid === undefined ? undefined : { app_guid: body.app_guid }
      const { isNew, ...bound } = await bind(broker, platform, {
        instanceId: params.instance_id,
        id: params.binding_id,
        serviceId: body.service_id,
        planId: body.plan_id,
        bindResource: body.bind_resource ?? appGuid,
        parameters: body.parameters,
        spaceGuid: typeof spaceGuid === 'string' ? spaceGuid : undefined,
        predecessorId: body.predecessor_binding_id,
      })
      return reply.code(isNew ? 201 : 200).send(toWire(platform, bound))
    },
  )

  app.get(path, { schema: { params: bindingParams, querystring: fetchQuery } }, async ({ params, platform }) => {
    const bound = await getBinding(broker, platform, { instanceId: params.instance_id, id: params.binding_id })
    return { ...toWire(platform, bound), parameters: bound.binding.parameters }
  })

  app.delete(
    path,
    { schema: { params: bindingParams, querystring: deleteQuery } },
    async ({ params, query, platform }) => {
      const { instance_id: instanceId, binding_id: id } = params
      await unbind(broker, platform, { instanceId, id, serviceId: query.service_id })
      return {}
    },
  )

  // Bindings are created and deleted at once: there is nothing to wait for.
  app.get(
    `${path}/last_operation`,
    { schema: { params: bindingParams, querystring: pollQuery } },
    async ({ params, platform }) => {
      const wanted = { instanceId: params.instance_id, id: params.binding_id }
      await getBinding(broker, platform, wanted).catch((error: unknown) => {
        if (!(error instanceof BrokerError) || error.code !== 'NotFound') throw error
        throw new BrokerError('Gone', error.message, { cause: error })
      })
      return { state: 'succeeded' }
    },
  )
}

function toWire({ publicUrl }: PlatformCall, { binding, instance }: Bound) {
  const { token, expiresAt, createdAt } = binding
  if (token === undefined) {
    const message = 'The credentials of this binding were lost with the key that sealed them: create another binding.'
    throw new BrokerError('NotFound', message)
  }
  const url = new URL(publicUrl)
  const credentials = {
    api_url: publicUrl,
    token,
    service_instance: instance.protectedInstanceId,
    backup_plan: instance.backupPlanId,
    dashboard_url: dashboardUrl(publicUrl, instance.protectedInstanceId),
  }
  const lifetimeMs = expiresAt && expiresAt.getTime() - createdAt.getTime()
  const renewBefore = expiresAt && lifetimeMs && new Date(expiresAt.getTime() - lifetimeMs * RENEWAL_PART)
  const metadata = omitUndefined({
    expires_at: expiresAt?.toISOString(),
    renew_before: renewBefore ? renewBefore.toISOString() : undefined,
  })
  return {
    credentials,
    endpoints: [{ host: url.hostname, ports: [portOf(url)], protocol: 'tcp' }],
    ...(expiresAt && { metadata }),
  }
}

const portOf = ({ port, protocol }: URL): string => (port !== '' ? port : protocol === 'https:' ? '443' : '80')
