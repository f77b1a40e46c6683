import { sql } from 'kysely'
import type { Database } from '../database/open-database.ts'
import type { InTransaction } from '../database/transaction.ts'

/** A manager whose last heartbeat is older counts as dead, and others claim its jobs. */
export const LEASE_SECONDS = 15

/** The oldest heartbeat of a manager that is alive, by the database's clock. */
export const oldestHeartbeat = sql`now() - make_interval(secs => ${sql.lit(LEASE_SECONDS)})`

/** What heartbeats are ahead of the clock by chance: by statements that began before a small correction. */
const TOLERANCE_SECONDS = 5

/** Corrects heartbeats that are ahead of the clock, so that a manager which has died counts as dead. Returns how many. */
export async function capHeartbeats({ database }: { database: Database }): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    update managers set heartbeat_at = now()
    where heartbeat_at > now() + make_interval(secs => ${TOLERANCE_SECONDS})`.execute(database)
  return Number(numAffectedRows)
}

/** Registers a manager. */
export async function insertLease({ database }: { database: Database }, id: string): Promise<void> {
  await database.insertInto('managers').values({ id }).execute()
}

/** Records a heartbeat. Returns false if the lease has expired and was deleted. */
export async function recordHeartbeat({ database }: { database: Database }, id: string): Promise<boolean> {
  const { numUpdatedRows } = await database
    .updateTable('managers')
    .set({ heartbeat_at: sql<Date>`now()` })
    .where('id', '=', id)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Whether a manager is registered. */
export async function hasLease({ database }: { database: Database }, id: string): Promise<boolean> {
  const row = await database.selectFrom('managers').where('id', '=', id).select('id').executeTakeFirst()
  return row !== undefined
}

/** Deregisters a manager: its jobs can be claimed at once. */
export async function deleteLease({ database }: { database: Database }, id: string): Promise<void> {
  await database.deleteFrom('managers').where('id', '=', id).execute()
}

/** Deregisters managers whose leases have expired. */
export async function deleteExpiredLeases({ database }: InTransaction): Promise<void> {
  await sql`delete from managers where heartbeat_at < ${oldestHeartbeat}`.execute(database)
}

/** Deregisters all managers. */
export async function deleteAllLeases({ database }: { database: Database }): Promise<void> {
  await database.deleteFrom('managers').execute()
}
