import { type StoreSettings, stores } from '@osb-backup/storage'
import { type Selectable, sql } from 'kysely'
import type { Grants } from '../access/caller.ts'
import type { RepositoryContext } from '../context/context.ts'
import { contains, isGranted } from '../database/conditions.ts'
import type { Database } from '../database/open-database.ts'
import { readKeyset } from '../database/read-keyset.ts'
import { readPage } from '../database/read-page.ts'
import type { FileDestinationTable } from '../database/tables/instances.ts'
import type { InTransaction } from '../database/transaction.ts'
import { purposeOf } from '../secrets/sealed-columns.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import type { PageOf, PageRequest } from '../shared/page.ts'
import type { FileDestination } from './destination.ts'

/** What a list of destinations over many instances is filtered by. */
export interface DestinationSearch {
  scope: Grants
  /** The kind of their store. */
  kind?: string | undefined
  /** Retired ones instead of those that are in use. */
  retired?: boolean | undefined
  /** In their name. */
  text?: string | undefined
}

const purposeOfSecrets = (id: string) => purposeOf('file_destinations', 'sealed_store_secrets', id)

export function destinationFromRow(
  { sealer }: RepositoryContext,
  row: Selectable<FileDestinationTable>,
): FileDestination {
  return {
    id: row.id,
    version: row.version,
    instanceId: row.instance_id,
    name: row.name,
    label: row.label ?? undefined,
    store: stores.joinSecrets(
      row.store,
      openSecrets(sealer.openOptional(row.sealed_store_secrets, purposeOfSecrets(row.id))),
    ),
    bandwidthLimitBytesPerSecond: row.bandwidth_limit === null ? undefined : Number(row.bandwidth_limit),
    quotaBytes: row.quota_bytes === null ? undefined : Number(row.quota_bytes),
    managedBy: row.managed_by ?? undefined,
    createdAt: row.created_at,
    retiredAt: row.deleted_at ?? undefined,
  }
}

/** The secrets of a store, by field. */
const openSecrets = (opened: string | undefined): Record<string, unknown> =>
  opened === undefined ? {} : JSON.parse(opened)

function toColumns({ sealer }: RepositoryContext, destination: FileDestination) {
  const { open, secrets } = stores.splitSecrets(destination.store)
  return {
    name: destination.name,
    label: destination.label ?? null,
    store: JSON.stringify(open),
    sealed_store_secrets:
      Object.keys(secrets).length === 0 ? null : sealer.seal(JSON.stringify(secrets), purposeOfSecrets(destination.id)),
    bandwidth_limit: destination.bandwidthLimitBytesPerSecond ?? null,
    quota_bytes: destination.quotaBytes ?? null,
    managed_by: destination.managedBy ?? null,
  }
}

/** Any fixed number: the name of the lock. */
const DIRECTORY_LOCK = 4_711_208_023

/** Serializes, until the end of the transaction, whatever gives a directory to a destination, in all managers. */
export async function lockDirectories({ database }: InTransaction): Promise<void> {
  await sql`select pg_advisory_xact_lock(${DIRECTORY_LOCK})`.execute(database)
}

/** The stores of all other instances, without their secrets, also of destinations that were retired. */
export async function storesOfOtherInstances(
  { database }: { database: Database },
  instanceId: string,
): Promise<StoreSettings[]> {
  const rows = await database
    .selectFrom('file_destinations')
    .select('store')
    .where('instance_id', '<>', instanceId)
    .execute()
  return rows.map((row) => stores.joinSecrets(row.store, {}))
}

/** The destination, unless it was retired. */
export async function findDestination(context: RepositoryContext, id: string): Promise<FileDestination | undefined> {
  const row = await context.database
    .selectFrom('file_destinations')
    .selectAll()
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row && destinationFromRow(context, row)
}

/** Destinations by id, also retired ones: restore points are still stored in them. */
export async function destinationsById(
  context: RepositoryContext,
  ids: readonly string[],
): Promise<Map<string, FileDestination>> {
  if (ids.length === 0) return new Map()
  const rows = await context.database.selectFrom('file_destinations').selectAll().where('id', 'in', ids).execute()
  return new Map(rows.map((row) => [row.id, destinationFromRow(context, row)]))
}

/** One page of an instance's destinations, oldest first unless requested otherwise. */
export async function listDestinations(
  context: RepositoryContext,
  instanceId: string,
  page: PageRequest,
): Promise<PageOf<FileDestination>> {
  const query = context.database
    .selectFrom('file_destinations')
    .selectAll()
    .where('instance_id', '=', instanceId)
    .where('deleted_at', 'is', null)
    .orderBy(page.sort?.property === 'name' ? 'name' : 'created_at', page.sort?.descending ? 'desc' : 'asc')
    .orderBy('id')
  const { rows, total } = await readPage(query, page)
  return { entries: rows.map((row) => destinationFromRow(context, row)), total }
}

/** All destinations of an instance that are not retired. */
export async function destinationsOfInstance(
  context: RepositoryContext,
  instanceId: string,
): Promise<FileDestination[]> {
  const rows = await context.database
    .selectFrom('file_destinations')
    .selectAll()
    .where('instance_id', '=', instanceId)
    .where('deleted_at', 'is', null)
    .orderBy('created_at')
    .execute()
  return rows.map((row) => destinationFromRow(context, row))
}

/** Stores a new destination. */
export async function insertDestination(context: RepositoryContext, destination: FileDestination): Promise<void> {
  await context.database
    .insertInto('file_destinations')
    .values({
      id: destination.id,
      instance_id: destination.instanceId,
      created_at: destination.createdAt,
      deleted_at: null,
      ...toColumns(context, destination),
    })
    .execute()
}

/** Locks a destination, so that no job and no restore point is created in it until the transaction ends. */
export async function lockDestination({ database }: InTransaction, id: string): Promise<void> {
  await database.selectFrom('file_destinations').select('id').where('id', '=', id).forUpdate().execute()
}

/**
 * Replaces name and settings of a destination.
 *
 * @param edited - The version to replace, if that matters.
 * @returns The new version; undefined if another version than `edited` is stored, and nothing was written.
 */
export async function updateDestination(
  context: RepositoryContext,
  destination: FileDestination,
  edited: number | undefined,
): Promise<number | undefined> {
  let update = context.database
    .updateTable('file_destinations')
    .set({ ...toColumns(context, destination), version: sql`version + 1` })
    .where('id', '=', destination.id)
  if (edited !== undefined) update = update.where('version', '=', edited)
  return (await update.returning('version').executeTakeFirst())?.version
}

/**
 * Retires destinations: they are no longer listed. The rows stay, with their credentials, as restore points may be stored
 * in them.
 *
 * @returns How many there were.
 */
export async function retireDestinations(
  { database }: RepositoryContext,
  which: { id: string } | { instanceId: string },
  now: Date,
): Promise<number> {
  const [column, value] = 'id' in which ? (['id', which.id] as const) : (['instance_id', which.instanceId] as const)
  const { numUpdatedRows } = await database
    .updateTable('file_destinations')
    .set({ deleted_at: now })
    .where(column, '=', value)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return Number(numUpdatedRows)
}

const key = [
  { name: 'created_at', type: 'instant' },
  { name: 'id', type: 'text' },
] as const

/** One page of destinations, newest first. */
export async function searchDestinations(
  context: RepositoryContext,
  { scope, kind, retired = false, text }: DestinationSearch,
  page: KeysetRequest,
): Promise<KeysetPage<FileDestination>> {
  let query = context.database
    .selectFrom('file_destinations')
    .selectAll()
    .where('deleted_at', retired ? 'is not' : 'is', null)
    .where(isGranted('instance_id', scope))
  if (kind !== undefined) query = query.where(sql<boolean>`store ->> 'type' = ${kind}`)
  if (text !== undefined) query = query.where(contains('name', text))
  const { entries, ...rest } = await readKeyset(query, key, 'desc', page)
  return { entries: entries.map((row) => destinationFromRow(context, row)), ...rest }
}
