import { sql } from 'kysely'
import type { RepositoryContext } from '../context/context.ts'
import type { Database } from '../database/open-database.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { FileDestination } from './destination.ts'
import { destinationFromRow } from './repository.ts'

/** The destination of an instance that something maintains, unless it was retired. */
export async function findManagedDestination(
  context: RepositoryContext,
  { instanceId, managedBy }: { instanceId: string; managedBy: string },
): Promise<FileDestination | undefined> {
  const row = await context.database
    .selectFrom('file_destinations')
    .selectAll()
    .where('instance_id', '=', instanceId)
    .where('managed_by', '=', managedBy)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row && destinationFromRow(context, row)
}

/** Leaves a destination to its instance, as it is. */
export async function releaseDestination({ database }: InTransaction, id: string): Promise<void> {
  await database
    .updateTable('file_destinations')
    .set({ managed_by: null, version: sql`version + 1` })
    .where('id', '=', id)
    .where('managed_by', 'is not', null)
    .execute()
}

/** The same for those that something maintains. */
export async function releaseDestinations(
  { database }: InTransaction,
  managedBy: string,
  instanceId: string | undefined,
): Promise<void> {
  let update = database
    .updateTable('file_destinations')
    .set({ managed_by: null, version: sql`version + 1` })
    .where('managed_by', '=', managedBy)
  if (instanceId !== undefined) update = update.where('instance_id', '=', instanceId)
  await update.execute()
}

/** The ids of the destinations that something maintains and that are not retired. */
export async function managedDestinationIds(
  { database }: { database: Database },
  managedBy: string,
  instanceId: string | undefined,
): Promise<string[]> {
  let query = database
    .selectFrom('file_destinations')
    .select('id')
    .where('managed_by', '=', managedBy)
    .where('deleted_at', 'is', null)
  if (instanceId !== undefined) query = query.where('instance_id', '=', instanceId)
  return (await query.orderBy('id').execute()).map(({ id }) => id)
}
