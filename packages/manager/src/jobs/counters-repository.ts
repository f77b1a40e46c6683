import { sql } from 'kysely'
import type { Database } from '../database/open-database.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { JobFilter } from './job.ts'

const BATCH_SIZE = 5000

/** Where a list is read from. */
export interface ListLocation {
  /** How many jobs there are in all. */
  total: number
  /** The day, in UTC, on which the job at the offset was started; undefined if there is none. */
  day: string | undefined
  /** How many jobs of that day precede it. */
  skipped: number
}

/**
 * Locates the job at an offset by the counters of days alone, so that every page costs the same: a list starts at that day
 * instead of skipping all jobs before it.
 *
 * @param direction - Of the list, by start.
 */
export async function locateOffset(
  { database }: { database: Database },
  { instanceId, kind, status }: JobFilter,
  offset: number,
  direction: 'asc' | 'desc',
): Promise<ListLocation> {
  const filtered = sql`instance_id = ${instanceId} and kind = ${kind}
    ${status === undefined ? sql`` : sql`and status = ${status}`}`
  const { rows } = await sql<{ total: string; day: string | null; before: string | null }>`
    with days as (
      select day, sum(count) as count from (
        select day, count from job_counters where ${filtered}
        union all
        select day, delta as count from job_counter_changes where ${filtered}
      ) as counts group by day
    ), places as (
      select day, count, sum(count) over (order by day ${sql.raw(direction)}) - count as before from days
    )
    select coalesce(sum(count), 0) as total,
      max(day::text) filter (where before <= ${offset} and ${offset} < before + count) as day,
      max(before) filter (where before <= ${offset} and ${offset} < before + count) as before
    from places`.execute(database)
  const [found] = rows
  return {
    total: Number(found?.total ?? 0),
    day: found?.day ?? undefined,
    skipped: offset - Number(found?.before ?? 0),
  }
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
      delete from job_counter_changes where id in (
        select id from job_counter_changes order by id limit ${BATCH_SIZE} for update skip locked
      ) returning *
    ), written as (
      insert into job_counters (instance_id, kind, status, day, count)
      select instance_id, kind, status, day, sum(delta) from claimed
      group by instance_id, kind, status, day order by instance_id, kind, day, status
      on conflict (instance_id, kind, day, status) do update set count = job_counters.count + excluded.count
    )
    select count(*) as claimed from claimed`.execute(database)
  return Number(rows[0]?.claimed ?? 0) === BATCH_SIZE
}

/** Deletes the counters of days before an instant on which no jobs are left. Returns how many, at most `limit`. */
export async function deleteEmptyCounters({ database }: InTransaction, before: Date, limit: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from job_counters where ctid in (
      select ctid from job_counters where count = 0 and day < ${before}::timestamptz::date limit ${limit} for update skip locked
    )`.execute(database)
  return Number(numAffectedRows)
}
