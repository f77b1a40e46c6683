import { sql } from 'kysely'
import type { InTransaction } from '../database/transaction.ts'
import { logFields } from './parts-repository.ts'

/** Where a walk over jobs, in the order of their ends, has arrived. */
export interface JobCursor {
  endedAt: string
  id: string
}

/**
 * Deletes those of the next jobs that ended before an instant which nothing needs any more: a job with a stored restore point, with a
 * locked database, or that is to be tried again is kept.
 *
 * @param after - The last job of the batch before; undefined: there was none.
 * @returns The last job of this batch; undefined: there are no more.
 */
export async function deleteExpiredJobs(
  { database }: InTransaction,
  before: Date,
  after: JobCursor | undefined,
  limit: number,
): Promise<JobCursor | undefined> {
  const rest = after === undefined ? sql`true` : sql`(ended_at, id) > (${after.endedAt}::timestamptz, ${after.id})`
  const { rows } = await sql<JobCursor>`
    with batch as (
      select id, ended_at from jobs where ended_at < ${before} and ${rest} order by ended_at, id limit ${limit}
    ), deleted as (
      delete from jobs where id in (
        select id from jobs where id in (select id from batch)
          and not exists (select from restore_points r where r.job_id = jobs.id and r.deleted_at is null)
          and not exists (select from job_parts p where p.job_id = jobs.id and p.locked_since is not null)
          and not exists (select from backup_plans p where p.retry_of_job_id = jobs.id)
        for update skip locked
      )
    )
    select id, ended_at::text as "endedAt" from batch order by ended_at desc, id desc limit 1`.execute(database)
  return rows[0]
}

/**
 * Deletes what the scripts of parts printed that ended before an instant, unless their database is locked.
 *
 * @returns How many parts there were, at most `limit`.
 */
export async function deleteExpiredLogs({ database }: InTransaction, before: Date, limit: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    update job_parts set logs_deleted = true, agent_status = agent_status - ${logFields}::text[]
    where (job_id, position) in (
      select job_id, position from job_parts
      where ended_at < ${before} and not logs_deleted and locked_since is null
      limit ${limit} for update skip locked
    )`.execute(database)
  return Number(numAffectedRows)
}
