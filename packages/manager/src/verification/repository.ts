import { sql } from 'kysely'
import type { Database } from '../database/open-database.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { Claimant } from '../jobs/claims-repository.ts'
import { oldestHeartbeat } from '../jobs/leases-repository.ts'

/** One manager at a time claims verifications, so that the limit holds over all of them. */
const CLAIM_LOCK = 0x6f736276

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

/** Whether any verification waits, or was abandoned by its manager. It is cheap, since it is asked every second. */
export async function hasClaimableVerification(
  { database }: { database: Database },
  claimant: Claimant,
): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    select exists (${claimable(claimant)}) as found`.execute(database)
  return rows[0]?.found ?? false
}

/**
 * Locks the oldest verifications that wait for a manager, or that their manager has abandoned. None while another manager does so,
 * since that may have disappeared.
 *
 * @param maximum - How many all managers may run at the same time.
 * @returns The ids of those that are locked now.
 */
export async function lockVerifications(
  { database }: InTransaction,
  claimant: Claimant,
  maximum: number,
): Promise<string[]> {
  const lock = await sql<{ locked: boolean }>`select pg_try_advisory_xact_lock(${CLAIM_LOCK}) as locked`.execute(
    database,
  )
  if (lock.rows[0]?.locked !== true) return []
  const { rows } = await sql<{ id: string }>`
    with claimable as (${claimable(claimant)}), busy as (
      select count(*) as number from jobs j
      where j.kind = 'verify' and j.ended_at is null and j.id not in (select id from claimable)
    )
    update jobs set locked_by = ${claimant.lockedBy}, began_at = coalesce(began_at, now())
    where id in (
      select id from jobs where id in (
        select id from claimable order by started_at, id
        limit greatest(${maximum}::integer - (select number from busy), 0)
      )
      for no key update skip locked
    )
    returning id`.execute(database)
  return rows.map((row) => row.id)
}

const claimable = ({ lockedBy, running }: Claimant) => sql`
  select j.id, j.started_at from jobs j
  where j.kind = 'verify' and j.ended_at is null and (
    j.locked_by is null
    or (j.locked_by = ${lockedBy} and j.id <> all(${running}::text[]))
    or not exists (select from managers m where m.id = j.locked_by and m.heartbeat_at >= ${oldestHeartbeat})
  )`

/** For how long a job has been running, over all managers that ran it, by the database's clock. */
export async function runningSeconds({ database }: { database: Database }, jobId: string): Promise<number> {
  const { rows } = await sql<{ seconds: number }>`
    select extract(epoch from now() - began_at)::float8 as seconds from jobs where id = ${jobId}`.execute(database)
  return rows[0]?.seconds ?? 0
}
