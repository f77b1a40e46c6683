import { findOverlap, isDeclaredItem, isItemPattern } from '@osb-backup/core'
import type { Context, TransactionContext } from '../context/context.ts'
import { agentPlaces, type ServiceInstance } from '../instances/instance.ts'
import { RequestError } from '../shared/request-error.ts'
import * as repository from './repository.ts'

type ItemsContext = Pick<Context, 'database' | 'settings'>

/**
 * Why an instance may not back up, or restore into, one of these items; undefined: it may. An instance that declared its items
 * has those and no others. One that did not may use any, unless the operator forbids that, or it shares its database server
 * with other instances: then the items could be theirs.
 */
export async function findUndeclaredItem(
  context: ItemsContext,
  instance: ServiceInstance,
  items: readonly string[],
): Promise<string | undefined> {
  const [first] = items
  if (first === undefined) return undefined
  if (instance.items !== undefined) return findForeignItem(context, instance, instance.items, items)
  const quoted = JSON.stringify(instance.id)
  const advice = 'an admin or its broker must declare its items first.'
  if (context.settings.undeclaredItems === 'forbid') {
    return `The service instance ${quoted} has not declared ${JSON.stringify(first)}: ${advice}`
  }
  if (!(await isServerShared(context, instance))) return undefined
  return `The service instance ${quoted} shares its database server with others and has not declared ${JSON.stringify(first)}: ${advice}`
}

/** Whether another registered instance reaches the same database server, so that its items could be theirs. */
export function isServerShared(context: Pick<Context, 'database'>, instance: ServiceInstance): Promise<boolean> {
  return repository.isServerShared(context, placeOf(instance))
}

/** Items are declared once, but the URL of an agent may change afterwards, and bring instances together. */
async function findForeignItem(
  context: ItemsContext,
  instance: ServiceInstance,
  declared: readonly string[],
  items: readonly string[],
): Promise<string | undefined> {
  const undeclared = items.find((item) => !isDeclaredItem(item, declared))
  if (undeclared !== undefined) {
    return `${JSON.stringify(undeclared)} is not among the items that the service instance ${JSON.stringify(instance.id)} has declared.`
  }
  const others = (await repository.itemsOfSharingInstances(context, placeOf(instance))).flat()
  const disputed = items.find((item) => isDeclaredItem(item, others))
  if (disputed === undefined) return undefined
  return `${JSON.stringify(disputed)} is also declared by another service instance on this database server: one of them must give it up.`
}

/**
 * @param field - The field of the request that names the items.
 * @throws {RequestError} If the instance may not use one of them.
 */
export async function requireDeclaredItems(
  context: ItemsContext,
  instance: ServiceInstance,
  items: readonly string[],
  field: string,
): Promise<void> {
  const problem = await findUndeclaredItem(context, instance, items)
  if (problem !== undefined) throw new RequestError('item-not-granted', problem, { field })
}

/**
 * As `requireDeclaredItems`, for what a plan covers: a pattern stands for those of its items that the instance may use when the plan
 * runs, so there must be some that it could use.
 *
 * @throws {RequestError} If the instance may not use one of them.
 */
export async function requireSelectableItems(
  context: ItemsContext,
  instance: ServiceInstance,
  items: readonly string[],
  field: string,
): Promise<void> {
  const [patterns, names] = [items.filter(isItemPattern), items.filter((item) => !isItemPattern(item))]
  await requireDeclaredItems(context, instance, names, field)
  const { items: declared } = instance
  if (declared === undefined) return requireDeclaredItems(context, instance, patterns, field)
  const unusable = patterns.find((pattern) => findOverlap([pattern], declared) === undefined)
  if (unusable === undefined) return
  const message = `No item that the service instance ${JSON.stringify(instance.id)} has declared matches ${JSON.stringify(unusable)}.`
  throw new RequestError('item-not-granted', message, { field })
}

/**
 * Makes sure that no item belongs to two instances, before an instance is stored. The caller has locked the assignments of
 * agents, so that of two instances that claim one item at the same time the later is refused.
 *
 * @throws {RequestError} If another instance on the same database server has declared an item that this one declares.
 */
export async function claimItems(tx: Pick<TransactionContext, 'database'>, instance: ServiceInstance): Promise<void> {
  const { items } = instance
  if (items === undefined || items.length === 0) return
  for (const declared of await repository.itemsOfSharingInstances(tx, placeOf(instance))) {
    const overlap = findOverlap(items, declared)
    if (overlap === undefined) continue
    // Whose it is, is not for this caller to know.
    const message = `Another service instance on this database server has declared items that ${JSON.stringify(overlap.pattern)} includes.`
    throw new RequestError('conflict', message, { field: 'items' })
  }
}

function placeOf(instance: ServiceInstance): repository.ServerPlace {
  const { id, database } = instance
  return {
    instanceId: id,
    agents: agentPlaces(instance),
    username: database.username ?? null,
    privilegedUsername: database.backupUsername ?? null,
  }
}
