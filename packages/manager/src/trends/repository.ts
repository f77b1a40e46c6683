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

/** The dumps of an instance by item and day, oldest first, also those that were deleted since. */
export async function dumpDays(
  { database }: { database: Database },
  { instanceId, item, since }: TrendSearch,
): Promise<DumpDay[]> {
  const { rows } = await sql<Record<keyof DumpDay, string | null>>`
    select point.item, (taken_at at time zone 'UTC')::date::text as day, count(*) as "dumpCount",
      count(*) filter (where deleted_at is null) as "restorePointCount",
      max(size_bytes) as "storedBytes", max(coalesce(original_size_bytes, size_bytes)) as "originalBytes",
      max(extract(epoch from part.ended_at - part.reserved_at)) as "durationSeconds"
    from restore_points point
      left join job_parts part on part.job_id = point.job_id and part.item = point.item
    where point.instance_id = ${instanceId} and taken_at >= ${since} and not after_failure
      and (${item ?? null}::text is null or point.item = ${item ?? null})
    group by 1, 2 order by 1, 2`.execute(database)
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
    with points as (
      select destination_id, size_bytes, taken_at, deleted_at from restore_points
      where instance_id = ${instanceId} and (${item ?? null}::text is null or item = ${item ?? null})
    ), changes as (
      select destination_id, (at at time zone 'UTC')::date::text as day, sum(bytes) as bytes from (
        select destination_id, taken_at as at, size_bytes as bytes from points
        union all
        select destination_id, deleted_at, -size_bytes from points where deleted_at is not null
      ) as changed where at >= ${since} group by 1, 2
    )
    select destination.id, destination.name, destination.quota_bytes as quota, stored.bytes as stored,
      coalesce((
        select jsonb_agg(jsonb_build_object('day', day, 'bytes', bytes) order by day) from changes
        where destination_id = destination.id
      ), '[]') as changes
    from (
      select destination_id, coalesce(sum(size_bytes) filter (where deleted_at is null), 0) as bytes from points group by 1
    ) stored join file_destinations destination on destination.id = stored.destination_id
    order by destination.created_at, destination.id`.execute(database)
  return rows.map(({ id, name, quota, stored, changes }) => ({
    destinationId: id,
    name,
    quotaBytes: quota === null ? undefined : Number(quota),
    storedBytes: Number(stored),
    changes,
  }))
}
