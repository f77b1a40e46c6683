import { sql } from 'kysely'
import type { Database } from '../database/open-database.ts'
import type { InTransaction } from '../database/transaction.ts'

/** Locks a restore point. Returns false if it is being removed, or does not exist any more. */
export async function lockPoint({ database }: InTransaction, id: string): Promise<boolean> {
  const row = await database
    .selectFrom('restore_points')
    .select('id')
    .where('id', '=', id)
    .where('removal_requested_at', 'is', null)
    .where('deleted_at', 'is', null)
    .forNoKeyUpdate()
    .executeTakeFirst()
  return row !== undefined
}

/** The job that verifies a restore point or waits to; undefined: none does. */
export async function findOpenVerification(
  { database }: { database: Database },
  pointId: string,
): Promise<string | undefined> {
  const row = await database
    .selectFrom('jobs')
    .innerJoin('job_parts', 'job_parts.job_id', 'jobs.id')
    .select('jobs.id')
    .where('jobs.ended_at', 'is', null)
    .where('jobs.kind', '=', 'verify')
    .where('job_parts.restore_point_id', '=', pointId)
    .executeTakeFirst()
  return row?.id
}

/** For how long a job has been running, over all managers that ran it, by the database's clock. */
export async function runningSeconds({ database }: { database: Database }, jobId: string): Promise<number> {
  const { rows } = await sql<{ seconds: number }>`
    select extract(epoch from now() - began_at)::float8 as seconds from jobs where id = ${jobId}`.execute(database)
  return rows[0]?.seconds ?? 0
}
