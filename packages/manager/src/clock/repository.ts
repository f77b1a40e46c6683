import type { HostObservation } from '@osb-backup/core'
import { sql } from 'kysely'
import type { Database } from '../database/open-database.ts'
import type { InTransaction } from '../database/transaction.ts'

/** One observation at a time is compared and stored. */
const OBSERVATION_LOCK = 0x6f736264

/** PostgreSQL's clock was set. */
export interface ClockJump {
  detectedAt: Date
  jumpSeconds: number
}

/** Waits until no other manager observes the clock, and keeps others from it until the transaction ends. */
export async function lockObservations({ database }: InTransaction): Promise<void> {
  await sql`select pg_advisory_xact_lock(${OBSERVATION_LOCK})`.execute(database)
}

/** The last observation of each boot of a host, by its id. */
export async function readObservations({ database }: InTransaction): Promise<Map<string, HostObservation>> {
  const rows = await database.selectFrom('clock_observations').selectAll().execute()
  return new Map(
    rows.map((row) => [
      row.boot_id,
      { at: row.observed_at, uptimeSeconds: row.uptime_seconds, steadySince: row.steady_since },
    ]),
  )
}

/** Replaces the last observation of a boot. */
export async function writeObservation(
  { database }: InTransaction,
  bootId: string,
  { at, uptimeSeconds, steadySince }: HostObservation,
): Promise<void> {
  const values = { observed_at: at, uptime_seconds: uptimeSeconds, steady_since: steadySince }
  await database
    .insertInto('clock_observations')
    .values({ boot_id: bootId, ...values })
    .onConflict((conflict) => conflict.column('boot_id').doUpdateSet(values))
    .execute()
}

/** Deletes observations that were made before an instant. Without one, all: a clock that was set makes them useless. */
export async function deleteObservations({ database }: InTransaction, before?: Date): Promise<void> {
  let query = database.deleteFrom('clock_observations')
  if (before !== undefined) query = query.where('observed_at', '<', before)
  await query.execute()
}

/** Records a jump: nothing is deleted by age until an operator confirms the clock. */
export async function insertJump({ database }: InTransaction, { detectedAt, jumpSeconds }: ClockJump): Promise<void> {
  await database
    .insertInto('clock_jumps')
    .values({ detected_at: detectedAt, jump_seconds: jumpSeconds, confirmed_at: null, confirmed_by: null })
    .execute()
}

/** The first unconfirmed jump; undefined if there is none. */
export async function findUnconfirmedJump({ database }: { database: Database }): Promise<ClockJump | undefined> {
  const row = await database
    .selectFrom('clock_jumps')
    .select(['detected_at', 'jump_seconds'])
    .where('confirmed_at', 'is', null)
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
  return row && { detectedAt: row.detected_at, jumpSeconds: row.jump_seconds }
}

/** Records that an operator confirmed the clock, for all jumps. */
export async function confirmJumps({ database }: InTransaction, at: Date, by: string): Promise<void> {
  await database
    .updateTable('clock_jumps')
    .set({ confirmed_at: at, confirmed_by: by })
    .where('confirmed_at', 'is', null)
    .execute()
}
