import { randomUUID } from 'node:crypto'
import { authorizeInstance, authorizeReferredInstance, type Call, unknownInstance } from '../access/call.ts'
import { requireAllInstances } from '../access/limits.ts'
import { scopeOf } from '../access/scope.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context, RepositoryContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { IdempotencyKey } from '../idempotency/idempotency-key.ts'
import { createOnce } from '../idempotency/service.ts'
import type { ServiceInstance } from '../instances/instance.ts'
import { findInstance } from '../instances/repository.ts'
import { invariant } from '../shared/invariant.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import { notFound, RequestError } from '../shared/request-error.ts'
import { choosePlan, readCatalog } from './catalog.ts'
import * as repository from './instances-repository.ts'
import * as search from './instances-search-repository.ts'
import { type ProvisionedInstance, type RequestedInstance, stateOf } from './provisioned-instance.ts'
import { findBroker, firstBrokers, lockBroker } from './repository.ts'
import type { ServiceBroker } from './service-broker.ts'

/** Longest time for reading the catalog, within the deadline of a request. */
const REQUEST_MS = 90_000

type ProvisionContext = RepositoryContext & Pick<Context, 'settings'>

/** What is asked for. */
export interface ProvisioningRequest {
  purpose: ProvisionedInstance['purpose']
  /** The job that it is for: asked again for the same one, the instance is the same. Undefined: a trial. */
  jobId: string | undefined
  source: ServiceInstance
  /** Undefined: the only one that is registered. */
  serviceBrokerId: string | undefined
  /** A service of the catalog, by name or id; undefined: that of the source. */
  service: string | undefined
  /** A plan of the service, by name or id; undefined: that of the source. */
  servicePlan: string | undefined
  /** Passed to the broker. */
  parameters?: Record<string, unknown> | undefined
}

/** The broker has as many instances as it may have: later there may be room. */
export class QuotaReached extends RequestError {
  constructor({ name, maxInstances }: ServiceBroker) {
    super(
      'conflict',
      `The service broker ${JSON.stringify(name)} has as many instances as it may have (${maxInstances}): delete one, or raise maxInstances.`,
    )
  }
}

/**
 * Requests an instance of a service broker, which is provisioned in the background. It is recorded before the broker is asked for it, so
 * that it is deleted again whatever happens.
 *
 * @param by - Who asks for it; undefined: the manager itself does.
 * @throws {QuotaReached} If there is no room at the moment.
 * @throws {RequestError} If there is no such service broker, service or plan, or its catalog cannot be read.
 */
export async function requestInstance(
  context: ProvisionContext,
  request: ProvisioningRequest,
  signal: AbortSignal,
  by?: { call: Call; key: IdempotencyKey | undefined },
): Promise<ProvisionedInstance> {
  const { jobId } = request
  const known = jobId === undefined ? undefined : await repository.findProvisionedFor(context, jobId)
  if (known !== undefined) return known
  const { broker, chosen } = await planProvisioning(context, request, signal)
  const id = randomUUID()
  const wanted: RequestedInstance = {
    id,
    serviceBrokerId: broker.id,
    purpose: request.purpose,
    jobId,
    sourceInstanceId: request.source.id,
    serviceId: chosen.service.id,
    planId: chosen.plan.id,
    isBindable: chosen.plan.isBindable,
    maximumPollingSeconds: chosen.plan.maximumPollingSeconds,
    parameters: request.parameters,
    requestedBy: by?.call.caller.name,
    createdAt: await readClock(context),
  }
  return createOnce<ProvisionContext, ProvisionedInstance>(context, {
    id,
    call: by?.call,
    key: by?.key,
    create: (tx) => insertWithinQuota(tx, wanted),
    find: (before) => repository.findProvisioned(context, before),
  })
}

async function insertWithinQuota(
  tx: InTransaction<ProvisionContext>,
  wanted: RequestedInstance,
): Promise<ProvisionedInstance> {
  const { id, jobId, serviceBrokerId } = wanted
  const broker = await lockBroker(tx, serviceBrokerId)
  if (broker === undefined) throw notFound('service broker', serviceBrokerId)
  const before = jobId === undefined ? undefined : await repository.findProvisionedFor(tx, jobId)
  if (before !== undefined) return before
  const count = (await repository.countProvisioned(tx, [serviceBrokerId])).get(serviceBrokerId) ?? 0
  if (count >= broker.maxInstances) throw new QuotaReached(broker)
  await repository.insertProvisioned(tx, wanted)
  const stored = await repository.findProvisioned(tx, id)
  invariant(stored, `the provisioned instance ${id} is stored`)
  return stored
}

/**
 * Finds out which plan of which broker an instance is requested of. Nothing is stored.
 *
 * @throws {RequestError} As `requestInstance`.
 */
export async function planProvisioning(
  context: ProvisionContext,
  {
    source,
    serviceBrokerId,
    service = source.serviceId,
    servicePlan = source.planId,
  }: Omit<ProvisioningRequest, 'jobId' | 'purpose'>,
  signal: AbortSignal,
) {
  const broker = await chooseBroker(context, serviceBrokerId)
  if (service === undefined) throw missing('service', source)
  if (servicePlan === undefined) throw missing('servicePlan', source)
  return { broker, chosen: choosePlan(await readCatalog(context, broker, signal), service, servicePlan) }
}

function missing(field: 'service' | 'servicePlan', source: ServiceInstance): RequestError {
  const message = `${field} is required: the service instance ${JSON.stringify(source.id)} was registered without its own.`
  return new RequestError('invalid', message, { field })
}

async function chooseBroker(context: ProvisionContext, id: string | undefined): Promise<ServiceBroker> {
  const field = 'serviceBrokerId'
  if (id !== undefined) {
    const found = await findBroker(context, id)
    if (found !== undefined) return found
    throw new RequestError('invalid', `There is no service broker ${JSON.stringify(id)}.`, { field })
  }
  const [only, ...others] = await firstBrokers(context)
  if (only === undefined)
    throw new RequestError('invalid', 'There is no service broker: register one first.', { field })
  if (others.length === 0) return only
  throw new RequestError('invalid', `${field} is required: there are several service brokers.`, { field })
}

/**
 * Provisions an instance to try a service broker.
 *
 * @param key - A request that is sent again with the same key creates nothing.
 * @throws {RequestError} As `requestInstance`.
 */
export async function requestTrial(
  context: ProvisionContext,
  call: Call,
  {
    instanceId,
    ...wanted
  }: Pick<ProvisioningRequest, 'serviceBrokerId' | 'service' | 'servicePlan' | 'parameters'> & {
    instanceId: string
  },
  key: IdempotencyKey | undefined,
): Promise<ProvisionedInstance> {
  await requireAllInstances(call)
  await authorizeReferredInstance(call, instanceId, 'instanceId')
  const source = await findInstance(context, instanceId)
  if (source === undefined) throw unknownInstance(instanceId, 'instanceId')
  const request = { ...wanted, purpose: 'trial', jobId: undefined, source } as const
  return requestInstance(context, request, AbortSignal.timeout(REQUEST_MS), { call, key })
}

/** The instance that was requested for a job; undefined: none was. */
export function findInstanceFor(context: RepositoryContext, jobId: string): Promise<ProvisionedInstance | undefined> {
  return repository.findProvisionedFor(context, jobId)
}

/** Lets the instance of a job be deleted, if one was requested. Returns it as it is now. */
export async function releaseInstanceOf(
  context: RepositoryContext,
  jobId: string,
): Promise<ProvisionedInstance | undefined> {
  const instance = await repository.findProvisionedFor(context, jobId)
  if (instance === undefined) return undefined
  await repository.markUnwanted(context, instance.id)
  return repository.findProvisioned(context, instance.id)
}

/** Lets users read the credentials of the instance of a job, if one was provisioned. */
export async function revealInstanceOf(context: RepositoryContext, jobId: string): Promise<void> {
  const instance = await repository.findProvisionedFor(context, jobId)
  if (instance !== undefined) await repository.markReleased(context, instance.id)
}

/** One page of the provisioned instances with data of instances that the caller was granted, newest first. */
export async function searchProvisioned(
  context: RepositoryContext,
  call: Call,
  { instanceId, ...filter }: Omit<search.ProvisionedSearch, 'scope'> & { instanceId?: string | undefined },
  page: KeysetRequest,
): Promise<KeysetPage<ProvisionedInstance>> {
  return search.searchProvisioned(context, { ...filter, scope: await scopeOf(call, instanceId) }, page)
}

/** @throws {RequestError} If there is no such instance, or the caller was not granted the one whose data it has. */
export async function getProvisioned(context: RepositoryContext, call: Call, id: string): Promise<ProvisionedInstance> {
  const instance = await repository.findProvisioned(context, id)
  if (instance === undefined) throw notFound('provisioned instance', id)
  await authorizeInstance(call, instance.sourceInstanceId, { what: 'provisioned instance', id })
  return instance
}

/**
 * Lets an instance be deleted at its broker.
 *
 * @throws {RequestError} If there is none, or a drill that has not ended uses it.
 */
export async function deprovision(context: RepositoryContext, call: Call, id: string): Promise<ProvisionedInstance> {
  await getProvisioned(context, call, id)
  await inAuditedTransaction(context, call, (tx) => repository.markUnwanted(tx, id))
  return getProvisioned(context, call, id)
}

/**
 * The credentials of an instance.
 *
 * @throws {RequestError} If it is not ready, or has none.
 */
export async function revealCredentials(
  context: RepositoryContext,
  call: Call,
  id: string,
): Promise<{ bindingId: string; credentials: Record<string, unknown> }> {
  const instance = await getProvisioned(context, call, id)
  const { bindingId, credentials } = instance
  const state = stateOf(instance)
  if (state !== 'ready') {
    const message = `The provisioned instance ${id} is ${state}: its credentials can be read once it is ready.`
    throw new RequestError('conflict', message)
  }
  if (bindingId === undefined || credentials === undefined) {
    const message = 'Instances of this service plan have no bindings: ask its broker for credentials.'
    throw new RequestError('conflict', message)
  }
  return { bindingId, credentials }
}
