import { sql } from 'kysely'
import type { Database } from '../database/open-database.ts'

/** The dumps of an item that were taken on one day, in UTC. */
export interface DumpDay {
  item: string
  day: string
  dumpCount: number
  /** Those of them that are still stored. */
  restorePointCount: number
  storedBytes: number
  originalBytes: number
  durationSeconds: number | undefined
}

/** Which dumps are asked for. */
export interface TrendSearch {
  instanceId: string
  item: string | undefined
  since: Date
}

const isOfItem = (item: string | undefined) => (item === undefined ? sql`true` : sql`item = ${item}`)

/** The dumps of an instance by item and day, oldest first, also those that were deleted since. */
export async function dumpDays(
  { database }: { database: Database },
  { instanceId, item, since }: TrendSearch,
): Promise<DumpDay[]> {
  const { rows } = await sql<Record<keyof DumpDay, string | null>>`
    select item, day::text as day, "dumpCount", "restorePointCount", "storedBytes", "originalBytes", "durationSeconds" from (
      select item, (taken_at at time zone 'UTC')::date as day, count(*) as "dumpCount",
        count(*) filter (where deleted_at is null) as "restorePointCount",
        max(size_bytes) as "storedBytes", max(coalesce(original_size_bytes, size_bytes)) as "originalBytes",
        max(duration_seconds) as "durationSeconds"
      from restore_points
      where instance_id = ${instanceId} and taken_at >= ${since} and not after_failure and ${isOfItem(item)}
      group by 1, 2
    ) as days order by item, day`.execute(database)
  return rows.map((row) => ({
    item: row.item ?? '',
    day: row.day ?? '',
    dumpCount: Number(row.dumpCount),
    restorePointCount: Number(row.restorePointCount),
    storedBytes: Number(row.storedBytes),
    originalBytes: Number(row.originalBytes),
    durationSeconds: row.durationSeconds === null ? undefined : Number(row.durationSeconds),
  }))
}

/** What is stored in a destination, and by how much that changed on each day. */
export interface StoredDays {
  destinationId: string
  name: string
  quotaBytes: number | undefined
  storedBytes: number
  changes: { day: string; bytes: number }[]
}

/** What restore points of an instance use of each destination, and how that changed since an instant. */
export async function storedDays(
  { database }: { database: Database },
  { instanceId, item, since }: TrendSearch,
): Promise<StoredDays[]> {
  const { rows } = await sql<{
    id: string
    name: string
    quota: string | null
    stored: string
    changes: { day: string; bytes: number }[]
  }>`
    with stored as (
      select destination_id, sum(stored_bytes) as bytes from (
        select destination_id, stored_bytes from restore_point_counters where instance_id = ${instanceId} and ${isOfItem(item)}
        union all
        select destination_id, stored_bytes from restore_point_counter_changes
        where instance_id = ${instanceId} and ${isOfItem(item)}
      ) as counters group by 1
    ), changes as (
      select destination_id, (at at time zone 'UTC')::date as day, sum(bytes) as bytes from (
        select destination_id, taken_at as at, size_bytes as bytes from restore_points
        where instance_id = ${instanceId} and taken_at >= ${since} and ${isOfItem(item)}
        union all
        select destination_id, deleted_at, -size_bytes from restore_points
        where instance_id = ${instanceId} and deleted_at >= ${since} and ${isOfItem(item)}
      ) as changed group by 1, 2
    )
    select destination.id, destination.name, destination.quota_bytes as quota, stored.bytes as stored,
      coalesce((
        select jsonb_agg(jsonb_build_object('day', day::text, 'bytes', bytes) order by day) from changes
        where destination_id = destination.id
      ), '[]') as changes
    from stored join file_destinations destination on destination.id = stored.destination_id
    order by destination.created_at, destination.id`.execute(database)
  return rows.map(({ id, name, quota, stored, changes }) => ({
    destinationId: id,
    name,
    quotaBytes: quota === null ? undefined : Number(quota),
    storedBytes: Number(stored),
    changes,
  }))
}
