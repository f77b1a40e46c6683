import { type Selectable, sql } from 'kysely'
import type { Context } from '../context/context.ts'
import { readPage } from '../database/read-page.ts'
import type { FileDestinationTable } from '../database/schema.ts'
import type { PageRequest } from '../http/legacy/paging.ts'
import { sealedColumns } from '../secrets/sealed-columns.ts'
import { type FileDestination, joinSecret, splitSecret } from './destination.ts'

type Reach = Pick<Context, 'database' | 'sealer'>

const purpose = sealedColumns.file_destinations.sealed_store_secret

function fromRow({ sealer }: Reach, row: Selectable<FileDestinationTable>): FileDestination {
  return {
    id: row.id,
    version: row.version,
    instanceId: row.instance_id,
    name: row.name,
    store: joinSecret(row.store, sealer.openOptional(row.sealed_store_secret, purpose)),
    bandwidthLimitBytesPerSecond: row.bandwidth_limit === null ? undefined : Number(row.bandwidth_limit),
  }
}

function toColumns({ sealer }: Reach, destination: FileDestination) {
  const { open, secret } = splitSecret(destination.store)
  return {
    name: destination.name,
    store: JSON.stringify(open),
    sealed_store_secret: sealer.sealOptional(secret, purpose),
    bandwidth_limit: destination.bandwidthLimitBytesPerSecond ?? null,
  }
}

/** The destination, unless it was deleted. */
export async function findDestination(reach: Reach, id: string): Promise<FileDestination | undefined> {
  const row = await reach.database
    .selectFrom('file_destinations')
    .selectAll()
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row && fromRow(reach, row)
}

/** Destinations by id, also deleted ones: restore points still lie in them. */
export async function destinationsById(reach: Reach, ids: readonly string[]): Promise<Map<string, FileDestination>> {
  if (ids.length === 0) return new Map()
  const rows = await reach.database.selectFrom('file_destinations').selectAll().where('id', 'in', ids).execute()
  return new Map(rows.map((row) => [row.id, fromRow(reach, row)]))
}

/** One page of an instance's destinations, oldest first unless told otherwise. */
export async function listDestinations(
  reach: Reach,
  instanceId: string,
  page: PageRequest,
): Promise<{ entries: FileDestination[]; total: number }> {
  const query = reach.database
    .selectFrom('file_destinations')
    .selectAll()
    .where('instance_id', '=', instanceId)
    .where('deleted_at', 'is', null)
    .orderBy(page.sort?.property === 'name' ? 'name' : 'created_at', page.sort?.descending ? 'desc' : 'asc')
    .orderBy('id')
  const { rows, total } = await readPage(query, page)
  return { entries: rows.map((row) => fromRow(reach, row)), total }
}

/** Stores a new destination. */
export async function insertDestination(reach: Reach, destination: FileDestination): Promise<void> {
  await reach.database
    .insertInto('file_destinations')
    .values({
      id: destination.id,
      instance_id: destination.instanceId,
      deleted_at: null,
      ...toColumns(reach, destination),
    })
    .execute()
}

/**
 * Replaces name and settings of a destination.
 *
 * @param edited - The version that is replaced, if that matters.
 * @returns The new version; undefined if another one than the edited stands there, and nothing was written.
 */
export async function updateDestination(
  reach: Reach,
  destination: FileDestination,
  edited: number | undefined,
): Promise<number | undefined> {
  let update = reach.database
    .updateTable('file_destinations')
    .set({ ...toColumns(reach, destination), version: sql`version + 1` })
    .where('id', '=', destination.id)
  if (edited !== undefined) update = update.where('version', '=', edited)
  return (await update.returning('version').executeTakeFirst())?.version
}

/**
 * Takes destinations off the lists. The rows stay, with their credentials, as restore points may lie in them.
 *
 * @returns How many there were.
 */
export async function retireDestinations(
  { database }: Reach,
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
