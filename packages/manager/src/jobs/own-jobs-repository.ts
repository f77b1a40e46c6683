import type { JobKind, RunKind } from '@osb-backup/core'
import { sql } from 'kysely'
import type { Database } from '../database/open-database.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { Claimant } from './claims-repository.ts'
import { oldestHeartbeat } from './leases-repository.ts'

/** The jobs that managers run themselves. */
export type OwnJobKind = Exclude<JobKind, RunKind>

/** One manager at a time claims jobs of a kind, so that the limit holds over all of them. */
const claimLocks = { verify: 0x6f736276, drill: 0x6f736264 } as const satisfies Record<OwnJobKind, number>

/** Whether any job of a kind waits, or was abandoned by its manager. It is cheap, since it is asked every second. */
export async function hasClaimableOwnJob(
  { database }: { database: Database },
  kind: OwnJobKind,
  claimant: Claimant,
): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    select exists (${claimable(kind, claimant)}) as found`.execute(database)
  return rows[0]?.found ?? false
}

/**
 * Locks the oldest jobs of a kind that wait for a manager, or that their manager has abandoned. None while another manager does so,
 * since that may have disappeared.
 *
 * @param maximum - How many all managers may run at the same time.
 * @returns The ids of those that are locked now.
 */
export async function lockOwnJobs(
  { database }: InTransaction,
  kind: OwnJobKind,
  claimant: Claimant,
  maximum: number,
): Promise<string[]> {
  const lock = await sql<{ locked: boolean }>`select pg_try_advisory_xact_lock(${claimLocks[kind]}) as locked`.execute(
    database,
  )
  if (lock.rows[0]?.locked !== true) return []
  const { rows } = await sql<{ id: string }>`
    with claimable as (${claimable(kind, claimant)}), busy as (
      select count(*) as number from jobs j
      where j.kind = ${kind} and j.ended_at is null and j.id not in (select id from claimable)
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

const claimable = (kind: OwnJobKind, { lockedBy, running }: Claimant) => sql`
  select j.id, j.started_at from jobs j
  where j.kind = ${kind} and j.ended_at is null and (
    j.locked_by is null
    or (j.locked_by = ${lockedBy} and j.id <> all(${running}::text[]))
    or not exists (select from managers m where m.id = j.locked_by and m.heartbeat_at >= ${oldestHeartbeat})
  )`
