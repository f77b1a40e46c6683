import { sql } from 'kysely'
import type { Database } from './open-database.ts'

/**
 * Reads PostgreSQL's clock, the only one that decisions depend on: the clocks of managers differ, and may be wrong.
 *
 * @returns The time of the call, not of the transaction's start, in the precision of a `Date`.
 */
export async function readClock({ database }: { database: Database }): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`select date_trunc('milliseconds', clock_timestamp()) as now`.execute(
    database,
  )
  const [row] = rows
  if (row === undefined) throw new Error('PostgreSQL did not answer with its clock')
  return row.now
}
