import type { RunKind } from '@osb-backup/core'
import { sql } from 'kysely'
import { isGranted } from '../database/conditions.ts'
import type { Database } from '../database/open-database.ts'
import type { InTransaction } from '../database/transaction.ts'
import { IDENTIFIER_LENGTH } from '../shared/identifier.ts'
import type { DatabaseLock } from './job.ts'

/** The columns that record a lock. */
export function lockColumns(lock: DatabaseLock | undefined) {
  return { locked_since: lock?.since ?? null, unlock_attempts: lock?.unlockAttempts ?? null }
}

/** A database that a part of a job has locked. */
export interface LockedDatabase extends DatabaseLock {
  instanceId: string
  database: string
  jobId: string
}

/** The locked databases of instances, first those whose unlock fails, the longest locked first. */
export async function searchLockedDatabases(
  { database }: { database: Database },
  scope: 'all' | readonly string[],
  limit: number,
): Promise<LockedDatabase[]> {
  const rows = await database
    .selectFrom('job_parts')
    .innerJoin('jobs', 'jobs.id', 'job_parts.job_id')
    .select(['jobs.instance_id', 'job_parts.database', 'job_id', 'locked_since', 'unlock_attempts'])
    .where('locked_since', 'is not', null)
    .where(isGranted('jobs.instance_id', scope))
    .orderBy(sql`coalesce(unlock_attempts, 0) > 0`, 'desc')
    .orderBy('locked_since')
    .limit(limit)
    .execute()
  return rows.flatMap(({ instance_id: instanceId, job_id: jobId, locked_since: since, unlock_attempts, ...row }) =>
    since === null ? [] : [{ instanceId, database: row.database, jobId, since, unlockAttempts: unlock_attempts ?? 0 }],
  )
}

/** Since when instances have a locked database; instances without one are left out. */
export async function lockedInstances(
  { database }: { database: Database },
  instanceIds: readonly string[],
): Promise<Map<string, Date>> {
  const { rows } = await sql<{ instance_id: string; since: Date }>`
    select jobs.instance_id, min(locked_since) as since from job_parts join jobs on jobs.id = job_parts.job_id
    where locked_since is not null and jobs.instance_id = any(${instanceIds}::text[])
    group by jobs.instance_id`.execute(database)
  return new Map(rows.map((row) => [row.instance_id, row.since]))
}

/** The agents at which a job has locked a database of an instance. */
export async function agentsWithLock(
  { database: connection }: { database: Database },
  instanceId: string,
  database: string,
): Promise<Set<string>> {
  const rows = await connection
    .selectFrom('job_parts')
    .select('agent_id')
    .where('locked_since', 'is not', null)
    .where('instance_id', '=', instanceId)
    .where('database', '=', database)
    .execute()
  return new Set(rows.flatMap((row) => row.agent_id ?? []))
}

/** A part whose database is locked, and the agent that it is, or was, at. */
export interface LockedPart {
  position: number
  kind: RunKind
  agentId: string
  /** The normalized URL that it began at. */
  agentUrl: string
}

/** The parts of a job whose database is locked. */
export async function lockedParts({ database }: { database: Database }, jobId: string): Promise<LockedPart[]> {
  const { rows } = await sql<LockedPart>`
    select position, jobs.kind, agent_id as "agentId", agent_url as "agentUrl" from job_parts join jobs on jobs.id = job_parts.job_id
    where job_id = ${jobId} and locked_since is not null and agent_id is not null
    order by position`.execute(database)
  return rows
}

/** Records what an agent answered about the lock of a part. */
export async function setLock(
  { database }: InTransaction,
  jobId: string,
  position: number,
  lock: DatabaseLock | undefined,
): Promise<void> {
  await database
    .updateTable('job_parts')
    .set(lockColumns(lock))
    .where('job_id', '=', jobId)
    .where('position', '=', position)
    .execute()
}

/** A lock of a job under its id at the agent. */
export interface ReportedLock extends DatabaseLock {
  kind: RunKind
  id: string
}

/**
 * Records which databases an agent reports as locked, for parts that have ended: the others are followed by a worker. What
 * it does not report is unlocked, if it began at the same URL: otherwise another agent may answer. What it does report is
 * locked, even if the part was given up before its lock was known.
 *
 * @param agent - With its normalized URL.
 */
export async function recordLocks(
  { database }: { database: Database },
  agent: { id: string; url: string },
  reported: readonly ReportedLock[],
): Promise<void> {
  const locks = JSON.stringify(reported)
  await sql`
    with reported as materialized (
      select kind, left(id, ${IDENTIFIER_LENGTH}) as job_id, substr(id, ${IDENTIFIER_LENGTH + 1}) as position,
        since, "unlockAttempts"
      from jsonb_to_recordset(${locks}::jsonb) as lock (kind text, id text, since timestamptz, "unlockAttempts" integer)
    ), candidates as (
      select job_id, position from job_parts where locked_since is not null
      union
      select part.job_id, part.position
      from reported join job_parts part on part.job_id = reported.job_id and part.position::text = reported.position
    )
    update job_parts set locked_since = reported.since, unlock_attempts = reported."unlockAttempts"
    from candidates
      join jobs on jobs.id = candidates.job_id
      left join reported on reported.kind = jobs.kind and reported.job_id = candidates.job_id
        and reported.position = candidates.position::text
    where job_parts.job_id = candidates.job_id and job_parts.position = candidates.position
      and job_parts.agent_id = ${agent.id} and job_parts.ended_at is not null
      and (job_parts.agent_url = ${agent.url} or reported.job_id is not null)
      and (job_parts.locked_since, job_parts.unlock_attempts)
        is distinct from (reported.since, reported."unlockAttempts")`.execute(database)
}
