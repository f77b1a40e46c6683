import { isDeepStrictEqual } from 'node:util'
import { inAuditedTransaction } from '../audit/service.ts'
import type { TransactionContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { RequestError } from '../shared/request-error.ts'
import { issueToken, withdrawToken } from '../tokens/service.ts'
import * as repository from './bindings-repository.ts'
import type { Broker } from './broker.ts'
import { BrokerError, busy } from './broker-error.ts'
import type { BrokerBinding, BrokerInstance } from './broker-instance.ts'
import { readBindingParameters } from './parameters.ts'
import { isOwn, type PlatformCall } from './platform-call.ts'
import { lockBrokerInstance, lockInstanceId } from './repository.ts'
import { authorizeProtection } from './rights.ts'
import { getBrokerInstance, noInstance } from './service.ts'

/** What a platform asks for when it binds. */
export interface BindingRequest {
  instanceId: string
  id: string
  serviceId: string
  planId: string
  bindResource: Record<string, unknown> | undefined
  parameters: Record<string, unknown> | undefined
  /** Where the platform binds, if it says so: a shared instance is bound in other spaces than its own. */
  spaceGuid: string | undefined
  /** The binding that this one is to replace. */
  predecessorId: string | undefined
}

/** A binding with the instance that it belongs to. */
export interface Bound {
  binding: BrokerBinding
  instance: BrokerInstance
}

/**
 * Creates a binding: a token for the instance that is backed up.
 *
 * @returns The binding, and whether this request created it.
 * @throws {RequestError} If the request is wrong.
 * @throws {BrokerError} If there is no such instance, or another binding of that id.
 */
export async function bind(
  broker: Broker,
  platform: PlatformCall,
  request: BindingRequest,
): Promise<Bound & { isNew: boolean }> {
  const { context, catalog } = broker
  catalog.getPlan(request.serviceId, request.planId)
  await authorizeTargets(broker, platform, request)
  return inAuditedTransaction(context, platform.call, async (tx) => {
    await lockInstanceId(tx, `binding ${request.id}`)
    const instance = await lockBrokerInstance(tx, request.instanceId)
    if (instance === undefined || !isOwn(platform, instance)) throw noInstance(request.instanceId)
    platform.call.audit.instanceId = instance.protectedInstanceId
    if (instance.serviceId !== request.serviceId) {
      throw new RequestError('invalid', 'The service instance is of another service.', { field: 'service_id' })
    }
    const wanted = await completeRequest(tx, request)
    const known = await repository.findBinding(tx, request.id)
    if (known !== undefined) return { binding: requireSame(known, wanted), instance, isNew: false }
    if (instance.state !== 'ready') throw busy(instance.id)
    return { binding: await createBinding(tx, instance, wanted), instance, isNew: true }
  })
}

/** @throws {RequestError} If the user may not restore into one of the instances that are named. */
async function authorizeTargets(broker: Broker, platform: PlatformCall, request: BindingRequest): Promise<void> {
  const { restore_into: targets = [] } = readBindingParameters(request.parameters ?? {})
  if (targets.length === 0) return
  const { spaceGuid } = await getBrokerInstance(broker, platform, request.instanceId)
  const wanted = { spaceGuid: request.spaceGuid ?? spaceGuid }
  for (const instanceId of targets) {
    await authorizeProtection(broker, platform, { instanceId, ...wanted }, 'parameters.restore_into')
  }
}

type CompleteRequest = BindingRequest & Pick<BrokerBinding, 'bindResource' | 'parameters'>

/** A rotation repeats what was asked for when the binding was created that it replaces. */
async function completeRequest(tx: TransactionContext, request: BindingRequest): Promise<CompleteRequest> {
  const { predecessorId, bindResource = {}, parameters = {} } = request
  if (predecessorId === undefined) return { ...request, bindResource, parameters }
  const predecessor = await repository.findBinding(tx, predecessorId)
  if (predecessor?.brokerInstanceId !== request.instanceId || predecessorId === request.id) {
    const message = `The service instance has no binding ${JSON.stringify(predecessorId)} that could be replaced.`
    throw new RequestError('invalid', message, { field: 'predecessor_binding_id' })
  }
  return {
    ...request,
    bindResource: request.bindResource ?? predecessor.bindResource,
    parameters: request.parameters ?? predecessor.parameters,
  }
}

function requireSame(known: BrokerBinding, wanted: CompleteRequest): BrokerBinding {
  const isSame =
    known.brokerInstanceId === wanted.instanceId &&
    known.serviceId === wanted.serviceId &&
    known.planId === wanted.planId &&
    known.predecessorId === wanted.predecessorId &&
    isDeepStrictEqual(known.bindResource, wanted.bindResource) &&
    isDeepStrictEqual(known.parameters, wanted.parameters)
  if (isSame) return known
  throw new BrokerError('Conflict', `There is another binding ${JSON.stringify(wanted.id)}.`)
}

async function createBinding(
  tx: TransactionContext,
  instance: BrokerInstance,
  { id, serviceId, planId, bindResource, parameters, predecessorId }: CompleteRequest,
): Promise<BrokerBinding> {
  const {
    role = 'operator',
    expires_in_seconds: seconds,
    restore_into: targets = [],
  } = readBindingParameters(parameters)
  const createdAt = await readClock(tx)
  const { token, secret } = await issueToken(tx, {
    name: `binding ${id}`.slice(0, 200),
    role,
    permissions: [],
    grants: [...new Set([instance.protectedInstanceId, ...targets])],
    expiresAt: seconds === undefined ? undefined : new Date(createdAt.getTime() + seconds * 1000),
  })
  const binding: BrokerBinding = {
    ...{ id, serviceId, planId, bindResource, parameters, predecessorId, createdAt },
    brokerInstanceId: instance.id,
    tokenId: token.id,
    token: secret,
    expiresAt: token.expiresAt,
  }
  await repository.insertBinding(tx, binding)
  return binding
}

/** @throws {BrokerError} `NotFound`, if the platform that calls has no such binding. */
export async function getBinding(
  broker: Broker,
  platform: PlatformCall,
  { instanceId, id }: { instanceId: string; id: string },
): Promise<Bound> {
  const instance = await getBrokerInstance(broker, platform, instanceId)
  const binding = await repository.findBinding(broker.context, id)
  if (binding?.brokerInstanceId === instanceId) return { binding, instance }
  throw new BrokerError('NotFound', `The service instance has no binding ${JSON.stringify(id)}.`)
}

/**
 * Deletes a binding, and revokes its token.
 *
 * @throws {BrokerError} `Gone`, if there is no such binding.
 */
export async function unbind(
  broker: Broker,
  platform: PlatformCall,
  { instanceId, id, serviceId }: { instanceId: string; id: string; serviceId: string },
): Promise<void> {
  await inAuditedTransaction(broker.context, platform.call, async (tx) => {
    await lockInstanceId(tx, `binding ${id}`)
    const instance = await lockBrokerInstance(tx, instanceId)
    const binding = await repository.findBinding(tx, id)
    const isKnown = instance !== undefined && isOwn(platform, instance) && binding?.brokerInstanceId === instanceId
    if (!isKnown) throw new BrokerError('Gone', `The service instance has no binding ${JSON.stringify(id)}.`)
    platform.call.audit.instanceId = instance.protectedInstanceId
    if (binding.serviceId !== serviceId) {
      throw new RequestError('invalid', 'The binding is of another service.', { field: 'service_id' })
    }
    await repository.deleteBinding(tx, id)
    await withdrawToken(tx, binding.tokenId)
  })
}
