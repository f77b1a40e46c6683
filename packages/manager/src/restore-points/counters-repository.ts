import { sql } from 'kysely'
import type { Grants } from '../access/caller.ts'
import { type InstanceRange, isGranted, isOfInstances } from '../database/conditions.ts'
import type { Database } from '../database/open-database.ts'

const BATCH_SIZE = 5000

/** What the restore points of one item say of its protection. */
export interface ItemPoints {
  instanceId: string
  item: string
  total: number
  /** When the newest good and unsuspicious one was taken. */
  newestGoodAt: Date | undefined
}

/**
 * What the restore points of instances say of the protection of each item. Those whose object is being removed do not count. It
 * costs the same however many restore points there are.
 *
 * @param latest - Those that are dated later do not count as good: a clock was wrong.
 */
export async function pointsByItem(
  { database }: { database: Database },
  instances: readonly string[] | InstanceRange,
  latest: Date,
): Promise<ItemPoints[]> {
  const { rows } = await sql<{ instance_id: string; item: string; total: string; newest_good_at: Date | null }>`
    with counted as (
      select instance_id, item, sum(kept) as total from (
        select instance_id, item, kept from restore_point_counters where ${isOfInstances('instance_id', instances)}
        union all
        select instance_id, item, kept from restore_point_counter_changes where ${isOfInstances('instance_id', instances)}
      ) as counts group by instance_id, item having sum(kept) > 0
    )
    select counted.*, newest.taken_at as newest_good_at
    from counted left join lateral (
      select taken_at from restore_points point
      where point.instance_id = counted.instance_id and point.item = counted.item
        and deleted_at is null and removal_requested_at is null and not after_failure and not suspicious
        and coalesce(verified_state, 'intact') = 'intact' and taken_at <= ${latest}
      order by sequence desc limit 1
    ) newest on true`.execute(database)
  return rows.map((row) => ({
    instanceId: row.instance_id,
    item: row.item,
    total: Number(row.total),
    newestGoodAt: row.newest_good_at ?? undefined,
  }))
}

/** How many restore points there are, and their total size. */
export async function sumPoints(
  { database }: { database: Database },
  scope: Grants,
): Promise<{ total: number; sizeBytes: number }> {
  const { rows } = await sql<{ total: string; size: string }>`
    select coalesce(sum(stored), 0) as total, coalesce(sum(stored_bytes), 0) as size from (
      select stored, stored_bytes from restore_point_counters where ${isGranted('instance_id', scope)}
      union all
      select stored, stored_bytes from restore_point_counter_changes where ${isGranted('instance_id', scope)}
    ) as counts`.execute(database)
  return { total: Number(rows[0]?.total ?? 0), sizeBytes: Number(rows[0]?.size ?? 0) }
}

/**
 * Compacts changes into the counters. Several managers may do so at once: each claims other changes, and all write the
 * counters in one order.
 *
 * @returns Whether there may be more changes.
 */
export async function compactCounters({ database }: { database: Database }): Promise<boolean> {
  const { rows } = await sql<{ claimed: string }>`
    with claimed as (
      delete from restore_point_counter_changes where id in (
        select id from restore_point_counter_changes order by id limit ${BATCH_SIZE} for update skip locked
      ) returning *
    ), written as (
      insert into restore_point_counters as counters (instance_id, item, destination_id, kept, stored, stored_bytes)
      select instance_id, item, destination_id, sum(kept), sum(stored), sum(stored_bytes) from claimed
      group by instance_id, item, destination_id order by instance_id, item, destination_id
      on conflict (instance_id, item, destination_id) do update set kept = counters.kept + excluded.kept,
        stored = counters.stored + excluded.stored, stored_bytes = counters.stored_bytes + excluded.stored_bytes
    )
    select count(*) as claimed from claimed`.execute(database)
  return Number(rows[0]?.claimed ?? 0) === BATCH_SIZE
}
