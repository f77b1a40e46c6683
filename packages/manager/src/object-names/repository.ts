import { sql } from 'kysely'
import type { InTransaction } from '../database/transaction.ts'

/** A name in a destination, without the type that the agent appends. */
export interface ObjectName {
  /** What precedes the name. Of the plan, so unique over all destinations. */
  prefix: string
  name: string
}

/** The name that a part was given; undefined if it has none. */
export async function findNameOfPart({ database }: InTransaction, partId: string): Promise<string | undefined> {
  const row = await database.selectFrom('object_names').select('name').where('part_id', '=', partId).executeTakeFirst()
  return row?.name
}

/**
 * Gives a name to a part, unless the name was ever used, with or without a type. Waits for a transaction that gives it to
 * another one.
 *
 * @returns Whether the part has it now.
 */
export async function insertObjectName(
  { database }: InTransaction,
  { prefix, name, partId }: ObjectName & { partId: string },
): Promise<boolean> {
  // Between `name.` and `name/` are all names that begin with `name.`.
  const { rows } = await sql`
    insert into object_names (prefix, name, part_id)
    select ${prefix}::text, ${name}::text, ${partId}::text
    where not exists (
      select from object_names
      where prefix = ${prefix} and (name = ${name} or name > ${`${name}.`} and name < ${`${name}/`})
    )
    on conflict do nothing
    returning name`.execute(database)
  return rows.length > 0
}

/** Records a name that an agent chose by itself. */
export async function insertUsedName({ database }: InTransaction, { prefix, name }: ObjectName): Promise<void> {
  await database
    .insertInto('object_names')
    .values({ prefix, name, part_id: null })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/**
 * Deletes names that were given before an instant; names contain their day, so that none of them is given again. Returns how
 * many, at most `limit`.
 */
export async function deleteNamesBefore({ database }: InTransaction, before: Date, limit: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from object_names where (prefix, name) in (
      select prefix, name from object_names where given_at < ${before} limit ${limit}
    )`.execute(database)
  return Number(numAffectedRows)
}
