import type { StoreSettings } from '@osb-backup/storage'
import { authorizeInstance, authorizeReferredInstance, type Call, unknownInstance } from '../access/call.ts'
import { scopeOf } from '../access/scope.ts'
import type { Context, RepositoryContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { IdempotencyKey } from '../idempotency/idempotency-key.ts'
import { createOnce } from '../idempotency/service.ts'
import { findInstance } from '../instances/repository.ts'
import { newIdentifier } from '../shared/identifier.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import type { PageOf, PageRequest } from '../shared/page.ts'
import { notFound, RequestError } from '../shared/request-error.ts'
import type { FileDestination } from './destination.ts'
import { requireOwnDirectory } from './directories.ts'
import { probeStore } from './probe.ts'
import * as repository from './repository.ts'
import { checkAddress, checkAllowed, requireMayChooseDirectory } from './rules.ts'

/** One page of the destinations of an instance; none where the instance is not registered any more. */
export async function listDestinations(
  context: RepositoryContext,
  call: Call,
  instanceId: string,
  page: PageRequest,
): Promise<PageOf<FileDestination>> {
  await authorizeInstance(call, instanceId)
  if ((await findInstance(context, instanceId)) === undefined) return { entries: [], total: 0 }
  return repository.listDestinations(context, instanceId, page)
}

/** @throws {RequestError} If there is no such destination, or the caller was not granted its instance. */
export async function getDestination(context: RepositoryContext, call: Call, id: string): Promise<FileDestination> {
  const destination = await repository.findDestination(context, id)
  if (destination === undefined) throw notFound('file destination', id)
  await authorizeInstance(call, destination.instanceId, { what: 'file destination', id })
  return destination
}

/**
 * As `getDestination`, but also a retired one, in which restore points may still be stored.
 *
 * @throws {RequestError} If there is no such destination, or the caller was not granted its instance.
 */
export async function getAnyDestination(context: RepositoryContext, call: Call, id: string): Promise<FileDestination> {
  const destination = (await repository.destinationsById(context, [id])).get(id)
  if (destination === undefined) throw notFound('file destination', id)
  await authorizeInstance(call, destination.instanceId, { what: 'file destination', id })
  return destination
}

/** The destination, unless it was retired; for callers that were authorized already. */
export function findDestination(context: RepositoryContext, id: string): Promise<FileDestination | undefined> {
  return repository.findDestination(context, id)
}

/** Destinations by id, also retired ones. */
export function destinationsById(
  context: RepositoryContext,
  ids: readonly string[],
): Promise<Map<string, FileDestination>> {
  return repository.destinationsById(context, ids)
}

/**
 * For the old paths, whose clients distinguish destinations by name.
 *
 * @param id - The destination that has the name, if it may keep it.
 * @throws {RequestError} If another destination of the instance has the name.
 */
export async function requireFreeName(
  context: RepositoryContext,
  { instanceId, name }: Pick<FileDestination, 'instanceId' | 'name'>,
  id?: string,
): Promise<void> {
  const others = await repository.destinationsOfInstance(context, instanceId)
  if (!others.some((each) => each.name === name && each.id !== id)) return
  const message = `The service instance has a file destination ${JSON.stringify(name)} already: choose another name.`
  throw new RequestError('invalid', message, { field: 'name' })
}

/** What a new destination is created with. */
export type NewDestination = Omit<FileDestination, 'id' | 'version' | 'createdAt' | 'retiredAt'>

/**
 * Creates a destination.
 *
 * @param key - A request that is sent again with the same key creates nothing.
 * @throws {RequestError} If the instance is not registered, or the operator does not allow the destination.
 */
export async function createDestination(
  context: Context,
  call: Call,
  wanted: NewDestination,
  key?: IdempotencyKey,
): Promise<FileDestination> {
  await requireInstance(context, call, wanted.instanceId)
  requireMayChooseDirectory(context, call, wanted.store)
  await checkStore(context, wanted.store)
  const createdAt = await readClock(context)
  const destination = { ...wanted, id: newIdentifier(createdAt), version: 1, createdAt, retiredAt: undefined }
  return createOnce<Context, FileDestination>(context, {
    id: destination.id,
    call,
    key,
    async create(tx) {
      await repository.lockDirectories(tx)
      await requireOwnDirectory(tx, destination)
      await repository.insertDestination(tx, destination)
      return destination
    },
    find: (id) => repository.findDestination(context, id),
  })
}

/**
 * Tries a destination without storing it: writes, reads back and removes an object.
 *
 * @throws {RequestError} Saying in one sentence what does not work, and why.
 */
export async function tryDestination(
  context: Context,
  call: Call,
  { instanceId, store }: Pick<FileDestination, 'instanceId' | 'store'>,
): Promise<void> {
  await requireInstance(context, call, instanceId)
  requireMayChooseDirectory(context, call, store)
  await checkStore(context, store)
  await requireOwnDirectory(context, { instanceId, store })
  await probeStore(store, context)
}

/** @throws {RequestError} If the operator does not allow a store. */
export async function checkStore(context: Pick<Context, 'settings'>, store: StoreSettings): Promise<void> {
  await checkAllowed(store, context)
  await checkAddress(store, context)
}

async function requireInstance(context: RepositoryContext, call: Call, instanceId: string): Promise<void> {
  const field = 'instanceId'
  await authorizeReferredInstance(call, instanceId, field)
  if ((await findInstance(context, instanceId)) === undefined) throw unknownInstance(instanceId, field)
}

/** One page of the destinations of all instances that the caller was granted, or of one, newest first. */
export async function searchDestinations(
  context: RepositoryContext,
  call: Call,
  { instanceId, ...filter }: Omit<repository.DestinationSearch, 'scope'> & { instanceId?: string | undefined },
  page: KeysetRequest,
): Promise<KeysetPage<FileDestination>> {
  return repository.searchDestinations(context, { ...filter, scope: await scopeOf(call, instanceId) }, page)
}
