import type { RunKind } from '@osb-backup/core'
import { sql } from 'kysely'
import type { Database } from '../database/open-database.ts'
import type { InTransaction } from '../database/transaction.ts'

/** The longest pause between two questions to the agent of a part of unknown outcome. */
export const LONGEST_CHECK_SECONDS = 600

/** A part whose outcome is unknown. */
export interface UnknownPart {
  jobId: string
  position: number
  kind: RunKind
  agentId: string
  /** The normalized URL that it began at. */
  agentUrl: string
}

/**
 * Claims the parts of unknown outcome whose agents are to be asked, so that no other manager asks them at the same time. By the
 * database's clock.
 */
export async function claimUnknownParts(
  { database }: { database: Database },
  intervalSeconds: number,
): Promise<UnknownPart[]> {
  const { rows } = await sql<UnknownPart>`
    update job_parts part set check_at = now() + make_interval(secs => ${intervalSeconds})
    from jobs
    where part.status = 'UNKNOWN' and part.ended_at is null and part.check_at <= now() and jobs.id = part.job_id
    returning part.job_id as "jobId", part.position, jobs.kind, part.agent_id as "agentId",
      part.agent_url as "agentUrl"`.execute(database)
  return rows
}

/** Has the agents asked now that would be asked later than after the longest interval. Returns how many parts they are of. */
export async function capUnknownPartChecks({ database }: { database: Database }): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    update job_parts set check_at = now()
    where status = 'UNKNOWN' and ended_at is null
      and check_at > now() + make_interval(secs => ${LONGEST_CHECK_SECONDS})`.execute(database)
  return Number(numAffectedRows)
}

/** The jobs with parts of unknown outcome at an agent, in the order in which their rows are to be locked. */
export async function jobsUnknownAt({ database }: { database: Database }, agentId: string): Promise<string[]> {
  const rows = await database
    .selectFrom('job_parts')
    .select('job_id')
    .distinct()
    .where('status', '=', 'UNKNOWN')
    .where('ended_at', 'is', null)
    .where('agent_id', '=', agentId)
    .orderBy('job_id')
    .execute()
  return rows.map((row) => row.job_id)
}

/** Has the parts of a job followed again that are of unknown outcome at an agent. The caller has locked the job's row. */
export async function resumeParts({ database }: InTransaction, jobId: string, agentId: string): Promise<void> {
  await database
    .updateTable('job_parts')
    .set({ status: 'RUNNING', error: null, unreachable_since: null, busy_since: null, check_at: null })
    .where('job_id', '=', jobId)
    .where('status', '=', 'UNKNOWN')
    .where('ended_at', 'is', null)
    .where('agent_id', '=', agentId)
    .execute()
}

/** Ends the parts of a job whose outcome is unknown. The caller has locked the job's row. Returns how many ended. */
export async function abandonParts(
  { database }: InTransaction,
  jobId: string,
  error: string,
  now: Date,
): Promise<number> {
  const { numUpdatedRows } = await database
    .updateTable('job_parts')
    .set({ status: 'FAILED', error, failure_code: 'outcome-unknown', ended_at: now })
    .where('job_id', '=', jobId)
    .where('status', '=', 'UNKNOWN')
    .where('ended_at', 'is', null)
    .executeTakeFirst()
  return Number(numUpdatedRows)
}
