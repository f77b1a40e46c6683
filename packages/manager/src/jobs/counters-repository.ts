import type { RunKind } from '@osb-backup/core'
import type { JobStatus } from '@osb-backup/protocol'
import { sql } from 'kysely'
import type { Context } from '../context/context.ts'
import type { Database } from '../database/open-database.ts'
import type { Chore } from '../workers/periodic-task.ts'

const CHANGES_AT_ONCE = 5000

/** Which jobs are listed. */
export interface JobFilter {
  instanceId: string
  kind: RunKind
  status?: JobStatus | undefined
}

/** Where a list is to be read from. */
export interface Place {
  /** How many jobs there are in all. */
  total: number
  /** The day, in UTC, on which the job at the offset was started; undefined if there is none at it. */
  day: string | undefined
  /** How many jobs of that day come before it. */
  skipped: number
}

/**
 * Finds the place of the job at an offset by the counts of days alone, so that no page is dearer than another: a list starts
 * at that day instead of skipping all that lies before.
 *
 * @param direction - Of the list, by start.
 */
export async function placeOf(
  { database }: Pick<Context, 'database'>,
  { instanceId, kind, status }: JobFilter,
  offset: number,
  direction: 'asc' | 'desc',
): Promise<Place> {
  const narrowed = sql`instance_id = ${instanceId} and kind = ${kind}
    ${status === undefined ? sql`` : sql`and status = ${status}`}`
  const { rows } = await sql<{ total: string; day: string | null; before: string | null }>`
    with days as (
      select day, sum(count) as count from (
        select day, count from job_tallies where ${narrowed}
        union all
        select day, change as count from job_tally_changes where ${narrowed}
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
 * Adds changes up into the tallies. Several managers may do so at once: each takes other changes, and all write the tallies in
 * one order.
 *
 * @returns How many changes were added up.
 */
export async function foldTallies(database: Database): Promise<number> {
  const { rows } = await sql<{ taken: string }>`
    with taken as (
      delete from job_tally_changes where id in (
        select id from job_tally_changes order by id limit ${CHANGES_AT_ONCE} for update skip locked
      ) returning *
    ), written as (
      insert into job_tallies (instance_id, kind, status, day, count)
      select instance_id, kind, status, day, sum(change) from taken
      group by instance_id, kind, status, day order by instance_id, kind, day, status
      on conflict (instance_id, kind, day, status) do update set count = job_tallies.count + excluded.count
    )
    select count(*) as taken from taken`.execute(database)
  return Number(rows[0]?.taken ?? 0)
}

/** Keeps the tallies short of changes. */
export const tallyChore: Chore = {
  what: 'the counts of jobs are not added up',
  everyMs: 10_000,
  act: async ({ database }) => (await foldTallies(database)) === CHANGES_AT_ONCE,
}
