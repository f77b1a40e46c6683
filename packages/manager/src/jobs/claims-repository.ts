import type { ChosenJob } from '@osb-backup/core'
import { sql } from 'kysely'
import type { Database } from '../database/open-database.ts'
import type { InTransaction } from '../database/transaction.ts'
import { oldestHeartbeat } from './leases-repository.ts'
import { countWorkingParts, workableJobs } from './reservations-repository.ts'

/** One manager at a time claims jobs, so that the limits hold over all of them. */
const CLAIM_LOCK = 0x6f736263
/** How long a claim may be idle between its statements. */
const CLAIM_IDLE_TIMEOUT = '2s'
/** Of the jobs of one kind that wait for the same agent and destination, at most this many are considered. */
const MAX_CONSIDERED = 50

/** A job that waits or runs. */
export type OpenJob = ChosenJob & {
  isLocked: boolean
  /** A part of it works at its agent already, whether a manager follows it or not. */
  isWorking: boolean
}

/** A manager that claims, and the jobs that its workers run at the moment. */
export interface Claimant {
  lockedBy: string
  running: readonly string[]
}

/**
 * Keeps other managers from claiming jobs until the transaction ends. Waits for none that does so: one that disappeared within
 * such a transaction must not stop the others, and loses the lock when its transaction was idle for a moment.
 *
 * @returns Whether this manager may claim now.
 */
export async function tryLockClaims({ database }: InTransaction): Promise<boolean> {
  const { rows } = await sql<{ locked: boolean }>`
    select set_config('idle_in_transaction_session_timeout', ${CLAIM_IDLE_TIMEOUT}, true),
      pg_try_advisory_xact_lock(${CLAIM_LOCK}) as locked`.execute(database)
  return rows[0]?.locked === true
}

/** Whether there is any job at an agent to claim that a worker can do something about. It is cheap, since it is asked every second. */
export async function hasClaimableJob({ database }: { database: Database }, claimant: Claimant): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    select exists (
      select from jobs j join ${workableJobs} workable on workable.job_id = j.id
      where j.ended_at is null and (${isClaimable(claimant)})
    ) as found`.execute(database)
  return rows[0]?.found ?? false
}

/** Unlocks jobs of managers that are dead, and those that the claimant has locked but does not run. */
export async function unlockAbandonedJobs({ database }: InTransaction, claimant: Claimant): Promise<void> {
  await sql`
    update jobs set locked_by = null
    where id in (
      select j.id from jobs j
      where j.ended_at is null and j.locked_by is not null and (${isClaimable(claimant)})
      for no key update skip locked
    )`.execute(database)
}

const isClaimable = ({ lockedBy, running }: Claimant) => sql`
  j.locked_by is null
  or (j.locked_by = ${lockedBy} and j.id <> all(${running}::text[]))
  or not exists (select from managers m where m.id = j.locked_by and m.heartbeat_at >= ${oldestHeartbeat})`

/**
 * The open jobs at agents, oldest first: all that are locked or work at their agents, and of those that wait as many as can matter. Jobs
 * that wait for other jobs, or for an agent that does not answer, are not among them and occupy no place.
 */
export async function listOpenJobs({ database }: InTransaction): Promise<OpenJob[]> {
  const { rows } = await sql<OpenJob>`
    select id, kind, tenant, agent, destination, slots, "isLocked", "isWorking" from (
      select open.*, row_number() over (partition by "isLocked", "isWorking", kind, tenant, agent, destination order by started_at, id) as place
      from (
        select j.id, j.kind, j.started_at, j.destination_id as destination, a.url as agent,
          coalesce(i.organization_guid, i.id) as tenant, j.locked_by is not null as "isLocked",
          working.parts > 0 as "isWorking", greatest(1, working.parts) as slots
        from jobs j
          cross join lateral (select ${countWorkingParts(sql.ref('j.id'))} as parts) working
          left join ${workableJobs} workable on workable.job_id = j.id
          join service_instances i on i.id = j.instance_id
          join agents a on a.id = i.agent_id
        where j.ended_at is null and j.kind in ('backup', 'restore')
          and (j.locked_by is not null or workable.job_id is not null)
      ) open
    ) placed
    where "isLocked" or "isWorking" or place <= ${sql.lit(MAX_CONSIDERED)}
    order by started_at, id`.execute(database)
  return rows
}

/** Locks jobs for a manager. Returns those that it has locked now: not one that is being cancelled, for example. */
export async function lockJobs(
  { database }: InTransaction,
  ids: readonly string[],
  lockedBy: string,
): Promise<string[]> {
  if (ids.length === 0) return []
  const { rows } = await sql<{ id: string }>`
    update jobs set locked_by = ${lockedBy}
    where id in (
      select id from jobs where id = any(${[...ids]}::text[]) and ended_at is null and locked_by is null
      for no key update skip locked
    )
    returning id`.execute(database)
  return rows.map((row) => row.id)
}

/** Unlocks a job that a manager stops running before it ended. */
export async function unlockJob(
  { database }: { database: Database },
  { id, lockedBy }: { id: string; lockedBy: string },
): Promise<void> {
  await database
    .updateTable('jobs')
    .set({ locked_by: null })
    .where('id', '=', id)
    .where('locked_by', '=', lockedBy)
    .where('ended_at', 'is', null)
    .execute()
}
