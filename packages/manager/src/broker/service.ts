import { isDeepStrictEqual } from 'node:util'
import { inAuditedTransaction } from '../audit/service.ts'
import type { TransactionContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { RequestError } from '../shared/request-error.ts'
import type { Broker } from './broker.ts'
import { BrokerError, busy } from './broker-error.ts'
import type { BrokerInstance } from './broker-instance.ts'
import type { CatalogPlan } from './catalog-schema.ts'
import { changeInstanceParameters, type InstanceParameters, readInstanceParameters } from './parameters.ts'
import { isOwn, type PlatformCall } from './platform-call.ts'
import { type Protection, prepareProtection, protect } from './protection.ts'
import * as repository from './repository.ts'
import { authorizeProtection } from './rights.ts'

/** What a platform asks for when it provisions. */
export interface ProvisionRequest {
  id: string
  serviceId: string
  planId: string
  organizationGuid: string
  spaceGuid: string
  context: Record<string, unknown>
  parameters: Record<string, unknown>
  /** The version of the plan that its user has seen. */
  maintenanceVersion: string | undefined
}

/**
 * Protects a service instance: creates its backup plan as the plan of the catalog says.
 *
 * @returns The instance, and whether this request created it.
 * @throws {RequestError} If the request is wrong, or the user may not do so.
 * @throws {BrokerError} If there is another instance of that id.
 */
export async function provision(
  broker: Broker,
  platform: PlatformCall,
  request: ProvisionRequest,
): Promise<{ instance: BrokerInstance; isNew: boolean }> {
  const { context, catalog } = broker
  const plan = catalog.getPlan(request.serviceId, request.planId)
  requireMaintenance(plan, request.maintenanceVersion)
  const parameters = readInstanceParameters(plan, request.parameters)
  const known = await repository.findBrokerInstance(context, request.id)
  if (known !== undefined) return { instance: requireSame(platform, known, request, parameters), isNew: false }
  const target = { instanceId: parameters.service_instance, spaceGuid: request.spaceGuid }
  const { id: protectedInstanceId } = await authorizeProtection(broker, platform, target)
  const serviceName = catalog.nameOf(request.serviceId)
  const paused = parameters.paused ?? false
  const prepared = await prepareProtection(context, { id: request.id, serviceName, plan, parameters, paused })
  return inAuditedTransaction(context, platform.call, async (tx) => {
    await repository.lockInstanceId(tx, request.id)
    const other = await repository.findBrokerInstance(tx, request.id)
    if (other !== undefined) return { instance: requireSame(platform, other, request, parameters), isNew: false }
    await requireQuota(tx, plan, request)
    const backupPlanId = await protect(tx, prepared)
    const { id, serviceId, planId, organizationGuid, spaceGuid, context: about } = request
    const instance: BrokerInstance = {
      ...{ id, serviceId, planId, organizationGuid, spaceGuid, context: about, parameters },
      ...{ protectedInstanceId, backupPlanId },
      account: platform.call.caller.id,
      state: 'ready',
      operation: undefined,
      createdAt: await readClock(tx),
    }
    await repository.insertBrokerInstance(tx, instance)
    return { instance, isNew: true }
  })
}

function requireMaintenance({ maintenance_info }: CatalogPlan, sent: string | undefined): void {
  if (sent === undefined || sent === maintenance_info?.version) return
  const current = maintenance_info === undefined ? 'has no version' : `has the version ${maintenance_info.version}`
  throw new BrokerError('MaintenanceInfoConflict', `The plan ${current} in the catalog: fetch the catalog again.`)
}

/** A request that is sent again finds what it created. */
function requireSame(
  platform: PlatformCall,
  known: BrokerInstance,
  { id, serviceId, planId, organizationGuid, spaceGuid }: ProvisionRequest,
  parameters: InstanceParameters,
): BrokerInstance {
  const [stored, sent] = [known, { serviceId, planId, organizationGuid, spaceGuid, parameters }].map((each) =>
    JSON.parse(JSON.stringify([each.serviceId, each.planId, each.organizationGuid, each.spaceGuid, each.parameters])),
  )
  if (!isOwn(platform, known) || !isDeepStrictEqual(stored, sent)) {
    throw new BrokerError('Conflict', `There is another service instance ${JSON.stringify(id)}.`)
  }
  if (known.state !== 'ready') throw busy(id)
  return known
}

async function requireQuota(tx: TransactionContext, plan: CatalogPlan, request: ProvisionRequest): Promise<void> {
  const { maxInstancesPerSpace } = plan.backup.limits
  if (maxInstancesPerSpace === undefined) return
  // Two requests at the same moment are counted one after the other.
  await repository.lockInstanceId(tx, `quota ${plan.id} ${request.spaceGuid}`)
  if ((await repository.countInSpace(tx, request)) < maxInstancesPerSpace) return
  const message = `The space has ${maxInstancesPerSpace} service instances of the plan ${plan.name} already, and may have no more.`
  throw new RequestError('invalid', message)
}

/** The instance, if the platform that calls provisioned it. @throws {BrokerError} `NotFound`. */
export async function getBrokerInstance(
  { context }: Broker,
  platform: PlatformCall,
  id: string,
): Promise<BrokerInstance> {
  const instance = await repository.findBrokerInstance(context, id)
  if (instance === undefined || !isOwn(platform, instance)) throw noInstance(id)
  platform.call.audit.instanceId = instance.protectedInstanceId
  return instance
}

export const noInstance = (id: string): BrokerError =>
  new BrokerError('NotFound', `There is no service instance ${JSON.stringify(id)}.`)

/** What a platform asks for when it updates; what is undefined stays. */
export interface UpdateRequest {
  id: string
  serviceId: string
  planId: string | undefined
  context: Record<string, unknown> | undefined
  parameters: Record<string, unknown> | undefined
  maintenanceVersion: string | undefined
}

/**
 * Changes the plan or the parameters of an instance, and its backup plan with them.
 *
 * @throws {RequestError} If the request is wrong.
 * @throws {BrokerError} If the change is not possible.
 */
export async function updateBrokerInstance(
  broker: Broker,
  platform: PlatformCall,
  request: UpdateRequest,
): Promise<BrokerInstance> {
  const { context, catalog } = broker
  catalog.requireService(request.serviceId)
  const stored = await getBrokerInstance(broker, platform, request.id)
  if (stored.state !== 'ready') throw busy(request.id)
  const updated = updatedInstance(broker, stored, request)
  const protection = changedProtection(broker, updated, request)
  const prepared =
    protection &&
    (await prepareProtection(context, protection).catch((error: unknown) => {
      throw request.parameters === undefined ? notAllowedBy(protection.plan, error) : error
    }))
  return inAuditedTransaction(context, platform.call, async (tx) => {
    const locked = await repository.lockBrokerInstance(tx, request.id)
    // Otherwise of two updates at the same moment one would undo the other.
    if (!isDeepStrictEqual(locked, stored)) throw busy(request.id)
    const changed = prepared === undefined ? updated : { ...updated, backupPlanId: await protect(tx, prepared) }
    await repository.updateBrokerInstance(tx, changed)
    return changed
  })
}

/** What an update makes of the backup plan; undefined: nothing. */
function changedProtection(
  { catalog }: Broker,
  { id, serviceId, planId, parameters }: BrokerInstance,
  request: UpdateRequest,
): Protection | undefined {
  const plan = catalog.findPlan(serviceId, planId)
  if (plan === undefined || (request.planId === undefined && request.parameters === undefined)) return undefined
  const isPauseSaid = request.parameters !== undefined && 'paused' in request.parameters
  const paused = isPauseSaid ? (parameters.paused ?? false) : undefined
  return { id, serviceName: catalog.nameOf(serviceId), plan, parameters, paused }
}

function updatedInstance({ catalog }: Broker, stored: BrokerInstance, request: UpdateRequest): BrokerInstance {
  if (request.serviceId !== stored.serviceId) {
    const message = 'A service instance keeps its service: service_id is another one.'
    throw new RequestError('invalid', message, { field: 'service_id' })
  }
  const { planId = stored.planId } = request
  const isOtherPlan = planId !== stored.planId
  const plan = isOtherPlan ? catalog.getPlan(stored.serviceId, planId) : catalog.findPlan(stored.serviceId, planId)
  if (isOtherPlan && !catalog.isPlanUpdateable(stored.serviceId, stored.planId)) {
    throw new BrokerError('NotSupported', 'Service instances of this plan cannot change to another one.')
  }
  const context = request.context ?? stored.context
  if (plan === undefined) {
    if (request.parameters === undefined) return { ...stored, context }
    throw new BrokerError('NotSupported', 'The plan is no longer in the catalog: change to another plan first.')
  }
  requireMaintenance(plan, request.maintenanceVersion)
  const parameters =
    request.parameters === undefined
      ? allowedBy(plan, () => readInstanceParameters(plan, stored.parameters))
      : changeInstanceParameters(plan, stored.parameters, request.parameters)
  if (parameters.service_instance !== stored.protectedInstanceId) {
    const message = 'A service instance keeps what it backs up: create another one for another service instance.'
    throw new BrokerError('NotSupported', message)
  }
  return { ...stored, planId, context, parameters }
}

/** The refusal of another plan: nothing of the request is wrong, but what was chosen before is more than that plan allows. */
function notAllowedBy({ name }: CatalogPlan, cause: unknown): unknown {
  if (!(cause instanceof RequestError)) return cause
  return new BrokerError('NotSupported', `The plan ${name} does not allow what was chosen before: ${cause.message}`, {
    cause,
  })
}

function allowedBy<T>(plan: CatalogPlan, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw notAllowedBy(plan, cause)
  }
}
