import { sql } from 'kysely'
import type { Database } from '../database/open-database.ts'

/** A sealed column of a row. */
export interface SealedValue {
  id: string
  sealed: string
}

/** A column that holds sealed texts. */
export interface SealedColumn {
  table: string
  column: string
}

/** Stores a fact about this database unless it is stored, and returns what is stored. */
export async function ensureSetting(
  { database }: { database: Database },
  name: string,
  initial: string,
): Promise<string> {
  await database
    .insertInto('settings')
    .values({ name, value: initial })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute()
  const { value } = await database
    .selectFrom('settings')
    .select('value')
    .where('name', '=', name)
    .executeTakeFirstOrThrow()
  return value
}

/** Replaces a fact about this database. */
export async function replaceSetting({ database }: { database: Database }, name: string, value: string): Promise<void> {
  await database.updateTable('settings').set({ value }).where('name', '=', name).execute()
}

/** Replaces the key of the filters of passwords, and erases the filters: `salt.hash.filter`. Returns how many there were. */
export function replaceFilterKey({ database }: { database: Database }, name: string, sealed: string): Promise<number> {
  return database.transaction().execute(async (transaction) => {
    await replaceSetting({ database: transaction }, name, sealed)
    const { numAffectedRows = 0n } = await sql`
      update broker_accounts set password_hash = split_part(password_hash, '.', 1) || '.' || split_part(password_hash, '.', 2) || '.'`.execute(
      transaction,
    )
    return Number(numAffectedRows)
  })
}

/** The sealed values of a column, by id. */
export async function listSealed(
  { database }: { database: Database },
  { table, column }: SealedColumn,
  afterId: string,
  limit: number,
): Promise<SealedValue[]> {
  const { rows } = await sql<SealedValue>`
    select id, ${sql.ref(column)} as sealed from ${sql.table(table)}
    where id > ${afterId} and ${sql.ref(column)} is not null order by id limit ${limit}`.execute(database)
  return rows
}

/**
 * Replaces sealed values, except those that were changed since they were read.
 *
 * @returns How many were replaced.
 */
export async function replaceSealed(
  { database }: { database: Database },
  { table, column }: SealedColumn,
  values: readonly (SealedValue & { resealed: string })[],
): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    update ${sql.table(table)} as stored set ${sql.ref(column)} = changed.resealed
    from unnest(
      ${values.map(({ id }) => id)}::text[],
      ${values.map(({ sealed }) => sealed)}::text[],
      ${values.map(({ resealed }) => resealed)}::text[]
    ) as changed(id, sealed, resealed)
    where stored.id = changed.id and stored.${sql.ref(column)} = changed.sealed`.execute(database)
  return Number(numAffectedRows)
}

/** Erases the sealed values of a column. Returns how many there were. */
export async function eraseSealed(
  { database }: { database: Database },
  { table, column }: SealedColumn,
): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    update ${sql.table(table)} set ${sql.ref(column)} = null where ${sql.ref(column)} is not null`.execute(database)
  return Number(numAffectedRows)
}

/** The kinds of the stores of destinations, by id. */
export async function listStoreTypes(
  { database }: { database: Database },
  ids: readonly string[],
): Promise<Map<string, string>> {
  const rows = await database
    .selectFrom('file_destinations')
    .select(['id', sql<string>`store ->> 'type'`.as('type')])
    .where('id', '=', sql<string>`any(${ids})`)
    .execute()
  return new Map(rows.map((row) => [row.id, row.type]))
}
