import type { CloneRequest, CloneState } from '@osb-backup/protocol/v1'
import { authorizeInstance, authorizeReferredInstance, type Call, unknownInstance } from '../access/call.ts'
import { scopeOf } from '../access/scope.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context, RepositoryContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { IdempotencyKey } from '../idempotency/idempotency-key.ts'
import { createOnce } from '../idempotency/service.ts'
import type { ServiceInstance } from '../instances/instance.ts'
import { findInstance, instancesById } from '../instances/repository.ts'
import { requireDeclaredItems } from '../items/service.ts'
import { findPoint, pointsOf } from '../restore-points/repository.ts'
import { isGood, type RestorePoint } from '../restore-points/restore-point.ts'
import { planProvisioning } from '../service-brokers/provisioned-service.ts'
import { newIdentifier } from '../shared/identifier.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import { notFound, RequestError } from '../shared/request-error.ts'
import type { Clone } from './clone.ts'
import * as repository from './repository.ts'

/** Longest time for reading the catalog, within the deadline of a request. */
const REQUEST_MS = 90_000

/**
 * Requests a copy of an item of an instance in another instance.
 *
 * @param key - A request that is sent again with the same key requests nothing.
 * @throws {RequestError} If there is no restore point to be restored, or the target cannot be used.
 */
export async function requestClone(
  context: Context,
  call: Call,
  instanceId: string,
  { item, restorePointId, target, privateKey, mask }: CloneRequest,
  key: IdempotencyKey | undefined,
): Promise<Clone> {
  await authorizeInstance(call, instanceId)
  // Also of an instance that was deleted: its restore points are stored still.
  const source = (await instancesById(context, [instanceId])).get(instanceId)
  if (source === undefined) throw notFound('service instance', instanceId)
  const point = await choosePoint(context, instanceId, item, restorePointId)
  await checkTarget(context, call, source, { target, item: point.item })
  call.audit.instanceId = instanceId
  const createdAt = await readClock(context)
  const clone: Clone = {
    id: newIdentifier(createdAt),
    sourceInstanceId: instanceId,
    item: point.item,
    restorePointId: point.id,
    targetKind: target.kind,
    target,
    privateKey,
    isMasked: mask !== undefined,
    mask,
    state: 'preparing',
    targetInstanceId: undefined,
    database: undefined,
    restoreJobId: undefined,
    failure: undefined,
    cancelledBy: undefined,
    createdAt,
    endedAt: undefined,
  }
  return createOnce<Context, Clone>(context, {
    id: clone.id,
    call,
    key,
    async create(tx) {
      await repository.insertClone(tx, clone)
      return clone
    },
    find: (id) => repository.findClone(context, id),
  })
}

async function choosePoint(
  context: RepositoryContext,
  instanceId: string,
  item: string | undefined,
  pointId: string | undefined,
): Promise<RestorePoint> {
  if (pointId !== undefined) {
    const point = await findPoint(context, pointId)
    if (point?.instanceId === instanceId && (item === undefined || point.item === item)) return point
    const message = `The service instance has no restore point ${JSON.stringify(pointId)}${item === undefined ? '' : ` of ${JSON.stringify(item)}`}.`
    throw new RequestError('invalid', message, { field: 'restorePointId' })
  }
  const points = (await pointsOf(context, { instanceId })).filter(
    (each) => isGood(each) && !each.suspicious && each.removal === undefined,
  )
  const items = [...new Set(points.map((each) => each.item))].sort()
  const chosen = item ?? items[0]
  if (item === undefined && items.length > 1) {
    const message = `item is required: several have restore points (${items.slice(0, 10).join(', ')}).`
    throw new RequestError('invalid', message, { field: 'item' })
  }
  const ofItem = points.filter((each) => each.item === chosen)
  const [newest] = ofItem.toSorted((one, other) => other.sequence - one.sequence)
  if (newest !== undefined) return newest
  throw new RequestError('conflict', `There is no good restore point of ${chosen ?? 'the service instance'}.`)
}

async function checkTarget(
  context: Context,
  call: Call,
  source: ServiceInstance,
  { target, item }: { target: CloneRequest['target']; item: string },
): Promise<void> {
  if (target.kind === 'service-broker') {
    const { serviceBrokerId, service, servicePlan } = target
    await planProvisioning(context, { source, serviceBrokerId, service, servicePlan }, AbortSignal.timeout(REQUEST_MS))
    return
  }
  const { instanceId, database = item } = target
  const field = 'target.instanceId'
  await authorizeReferredInstance(call, instanceId, field)
  if (instanceId === source.id) {
    const message = 'A clone is restored into another service instance than its source: use a restore otherwise.'
    throw new RequestError('invalid', message, { field })
  }
  const instance = await findInstance(context, instanceId)
  if (instance === undefined) throw unknownInstance(instanceId, field)
  await requireDeclaredItems(context, instance, [database], 'target.database')
}

/** One page of the clones of the instances that the caller was granted, or of one, newest first. */
export async function searchClones(
  context: RepositoryContext,
  call: Call,
  { instanceId, state }: { instanceId?: string | undefined; state?: CloneState | undefined },
  page: KeysetRequest,
): Promise<KeysetPage<Clone>> {
  return repository.searchClones(context, { scope: await scopeOf(call, instanceId), state }, page)
}

/** @throws {RequestError} If there is no such clone, or the caller was not granted its source. */
export async function getClone(context: RepositoryContext, call: Call, id: string): Promise<Clone> {
  const clone = await repository.findClone(context, id)
  if (clone === undefined) throw notFound('clone', id)
  await authorizeInstance(call, clone.sourceInstanceId, { what: 'clone', id })
  return clone
}

/**
 * Cancels a clone; an instance that was provisioned for it is deleted.
 *
 * @throws {RequestError} If it has ended.
 */
export async function cancelClone(context: RepositoryContext, call: Call, id: string): Promise<Clone> {
  await getClone(context, call, id)
  await inAuditedTransaction(context, call, async (tx) => {
    if (await repository.setCancelled(tx, id, call.caller.name)) return
    throw new RequestError('conflict', `The clone ${id} has ended.`)
  })
  return getClone(context, call, id)
}
