import type { ServiceInstance } from '../instances/instance.ts'
import { findInstance } from '../instances/repository.ts'
import { RequestError } from '../shared/request-error.ts'
import type { Broker } from './broker.ts'
import type { PlatformCall } from './platform-call.ts'

/**
 * Allows a user of a platform to protect a service instance: one in the space that the platform lets them provision in, or one that
 * Cloud Foundry says they may change.
 *
 * @param spaceGuid - Where the platform provisions.
 * @param field - The field of the request that names the instance.
 * @returns The instance.
 * @throws {RequestError} `invalid`; the answer does not reveal whether there is such an instance.
 */
export async function authorizeProtection(
  { context, mayManage }: Broker,
  { call, identity }: PlatformCall,
  { instanceId, spaceGuid }: { instanceId: string; spaceGuid: string },
  field = 'parameters.service_instance',
): Promise<ServiceInstance> {
  const instance = await findInstance(context, instanceId)
  if (instance === undefined || !(await call.caller.isGranted(instanceId, call.use))) throw unknown(instanceId, field)
  call.audit.instanceId = instanceId
  if (instance.spaceGuid !== undefined && instance.spaceGuid === spaceGuid) return instance
  const userId = identity?.platform === 'cloudfoundry' ? identity.user.user_id : undefined
  if (typeof userId === 'string' && (await mayManage?.(userId, instanceId))) return instance
  throw unknown(instanceId, field)
}

function unknown(instanceId: string, field: string): RequestError {
  const message =
    `There is no service instance ${JSON.stringify(instanceId)} that this user may back up: ` +
    'it must be registered by its broker, and belong to the same space or to one in which the user may change it.'
  return new RequestError('invalid', message, { field })
}
