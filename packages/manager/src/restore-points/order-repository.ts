import type { OrderedPoint } from '@osb-backup/core'
import { sql } from 'kysely'
import type { InTransaction } from '../database/transaction.ts'
import type { RestorePoint } from './restore-point.ts'

/** Any fixed number: the name of the locks. */
const ORDER_LOCK = 471_120_826

/**
 * Keeps other restore points of an instance from being recorded until the transaction ends, so that a point that is recorded late
 * can be put in its place.
 */
export async function lockPointOrder({ database }: InTransaction, instanceId: string): Promise<void> {
  await sql`set local lock_timeout = '60s'`.execute(database)
  await acquireOrderLock({ database }, instanceId)
}

/** Acquires the lock without waiting any longer than other statements do. Whatever records a restore point holds it. */
export async function acquireOrderLock({ database }: InTransaction, instanceId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(${ORDER_LOCK}, hashtext(${instanceId}))`.execute(database)
}

/** All restore points of an instance, also deleted ones. */
export async function pointOrderOf({ database }: InTransaction, instanceId: string): Promise<OrderedPoint[]> {
  const rows = await database
    .selectFrom('restore_points')
    .select(['id', 'sequence', 'taken_at'])
    .where('instance_id', '=', instanceId)
    .execute()
  return rows.map((row) => ({ id: row.id, sequence: Number(row.sequence), takenAt: row.taken_at }))
}

/** Gives restore points new sequence numbers, higher than all others, in this order. */
export async function renumberPoints({ database }: InTransaction, ids: readonly string[]): Promise<void> {
  // In the order in which removals lock them too.
  await sql`select from restore_points where id = any(${ids}::text[]) order by id for no key update`.execute(database)
  await sql`
    with numbers as materialized (
      select nextval(pg_get_serial_sequence('restore_points', 'sequence')) as number
      from generate_series(1, ${ids.length}::integer)
    ), numbered as (
      select number, row_number() over (order by number) as place from numbers
    )
    update restore_points set sequence = numbered.number
    from unnest(${ids}::text[]) with ordinality as renumbered (id, place) join numbered using (place)
    where restore_points.id = renumbered.id`.execute(database)
}

/** Of these names in a destination, those that a restore point has that is not deleted. */
export async function takenNames(
  { database }: InTransaction,
  destinationId: string,
  names: readonly string[],
): Promise<Set<string>> {
  const rows = await database
    .selectFrom('restore_points')
    .select(sql<string>`prefix || filename`.as('name'))
    .where('destination_id', '=', destinationId)
    .where('deleted_at', 'is', null)
    .where(sql<string>`prefix || filename`, '=', sql<string>`any(${names})`)
    .execute()
  return new Set(rows.map((row) => row.name))
}

/** Whether a job has a restore point of an item, also a deleted one: it can have no other. */
export async function hasPointOf(
  { database }: InTransaction,
  { jobId, item }: Pick<RestorePoint, 'jobId' | 'item'>,
): Promise<boolean> {
  const found = await database
    .selectFrom('restore_points')
    .select('id')
    .where('job_id', '=', jobId)
    .where('item', '=', item)
    .executeTakeFirst()
  return found !== undefined
}
