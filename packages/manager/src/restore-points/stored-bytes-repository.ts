import { sql } from 'kysely'
import type { Grants } from '../access/caller.ts'
import { isGranted } from '../database/conditions.ts'
import type { Database } from '../database/open-database.ts'
import type { InTransaction } from '../database/transaction.ts'

const BATCH_SIZE = 5000
/** Stands for all instances together in the changes by day. */
const ALL_INSTANCES = ''

/** What is stored, and by how much that changed. */
export interface StoredBytes {
  current: number
  /** On days in UTC, the first one first; days without a change are left out. */
  changes: { day: string; change: number }[]
}

/** What is stored, and by how much that changed on each day from one on. One statement reads both, so that they agree. */
export async function readStoredBytes(
  { database }: { database: Database },
  scope: Grants,
  since: string,
): Promise<StoredBytes> {
  const granted = isGranted('instance_id', scope)
  const compacted = scope === 'all' ? sql`instance_id = ${ALL_INSTANCES}` : granted
  const { rows } = await sql<{ current: string; changes: StoredBytes['changes'] }>`
    with sizes as (
      select stored_bytes from restore_point_counters where ${granted}
      union all
      select stored_bytes from restore_point_counter_changes where ${granted}
    ), changes as (
      select day, sum(change_bytes) as change from (
        select day, change_bytes from stored_bytes_by_day where ${compacted} and day >= ${since}::date
        union all
        select day, change_bytes from stored_bytes_changes where ${granted} and day >= ${since}::date
      ) as changed group by day
    )
    select coalesce((select sum(stored_bytes) from sizes), 0) as current,
      coalesce((select jsonb_agg(jsonb_build_object('day', day::text, 'change', change) order by day) from changes), '[]') as changes
    `.execute(database)
  return { current: Number(rows[0]?.current ?? 0), changes: rows[0]?.changes ?? [] }
}

/**
 * Compacts changes into those by day, as the counters of restore points are.
 *
 * @returns Whether there may be more changes.
 */
export async function compactStoredBytes({ database }: { database: Database }): Promise<boolean> {
  const { rows } = await sql<{ claimed: string }>`
    with claimed as (
      delete from stored_bytes_changes where id in (
        select id from stored_bytes_changes order by id limit ${BATCH_SIZE} for update skip locked
      ) returning *
    ), written as (
      insert into stored_bytes_by_day as days (instance_id, day, change_bytes)
      select coalesce(instance_id, ${ALL_INSTANCES}), day, sum(change_bytes) from claimed
      group by grouping sets ((instance_id, day), (day)) order by 1, 2
      on conflict (instance_id, day) do update set change_bytes = days.change_bytes + excluded.change_bytes
    )
    select count(*) as claimed from claimed`.execute(database)
  return Number(rows[0]?.claimed ?? 0) === BATCH_SIZE
}

/** Deletes the changes of days before an instant. Returns how many, at most `limit`. */
export async function deleteStoredDaysBefore(
  { database }: InTransaction,
  before: Date,
  limit: number,
): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from stored_bytes_by_day where ctid in (
      select ctid from stored_bytes_by_day where day < ${before}::timestamptz::date limit ${limit} for update skip locked
    )`.execute(database)
  return Number(numAffectedRows)
}
