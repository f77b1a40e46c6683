import {
  type AgentJob,
  backupStages,
  type FailureCode,
  type JobStatus,
  restoreStages,
  stageLogField,
} from '@osb-backup/protocol'
import { type Selectable, sql } from 'kysely'
import type { Database } from '../database/open-database.ts'
import type { JobPartTable } from '../database/tables/jobs.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { RestorePoint, VerificationState } from '../restore-points/restore-point.ts'
import { type Job, lockOfAgentJob } from './job.ts'
import { lockColumns } from './locks-repository.ts'

const BATCH_SIZE = 5000

/** A part as it is read. */
export type PartRow = Pick<Selectable<JobPartTable>, (typeof shownColumns)[number] | 'agent_status'>

const shownColumns = [
  'job_id',
  'position',
  'item',
  'database',
  'status',
  'restore_point_id',
  'filename_prefix',
  'filename',
  'accepted',
  'error',
  'failure_code',
  'ended_at',
  'bytes_read',
  'verified_state',
  'locked_since',
  'unlock_attempts',
  'agent_id',
] as const

/** What is recorded of a part while it runs and when it ends. */
export interface PartProgress {
  status: JobStatus
  agentStatus?: AgentJob | undefined
  error?: string | undefined
  prefix?: string | undefined
  /** Of a part that failed. */
  failureCode?: FailureCode | undefined
  filename?: string | undefined
  bytesRead?: number
  verified?: VerificationState
}

/** The fields of an agent's status with what its scripts printed. */
export const logFields = [...backupStages, ...restoreStages].flatMap((stage) => [
  stageLogField(stage, 'log'),
  stageLogField(stage, 'errorlog'),
])

/**
 * The parts of jobs, in their order, by job.
 *
 * @param logs - Whether to include what the scripts printed.
 */
export async function findParts(
  { database }: { database: Database },
  jobIds: readonly string[],
  { logs }: { logs: boolean },
): Promise<Map<string, PartRow[]>> {
  if (jobIds.length === 0) return new Map()
  const agentStatus = logs
    ? sql<AgentJob | null>`agent_status`
    : sql<AgentJob | null>`agent_status - ${logFields}::text[]`
  const rows = await database
    .selectFrom('job_parts')
    .select(shownColumns)
    .select(agentStatus.as('agent_status'))
    .where('job_id', 'in', jobIds)
    .orderBy('position')
    .execute()
  return Map.groupBy(rows, (row) => row.job_id)
}

/** Stores the parts of new jobs. */
export async function insertParts({ database }: InTransaction, jobs: readonly Job[]): Promise<void> {
  const parts = jobs.flatMap((job) =>
    job.parts.map((part) => ({
      job_id: job.id,
      position: part.position,
      item: part.item,
      database: ('database' in part ? part.database : undefined) ?? part.item,
      status: part.status,
      restore_point_id: ('restorePointId' in part ? part.restorePointId : undefined) ?? null,
      filename_prefix: null,
      filename: null,
      error: null,
      ended_at: null,
    })),
  )
  // PostgreSQL accepts at most 65,535 parameters in a statement.
  for (let start = 0; start < parts.length; start += BATCH_SIZE) {
    await database
      .insertInto('job_parts')
      .values(parts.slice(start, start + BATCH_SIZE))
      .execute()
  }
}

/**
 * Records the progress or the end of a part. A part that has ended is immutable.
 *
 * @param endedAt - Undefined: it still runs.
 * @returns Whether it was recorded; false: the part had ended.
 */
export async function updatePart(
  { database }: InTransaction,
  jobId: string,
  position: number,
  { status, agentStatus, error, failureCode, prefix, filename, bytesRead, verified }: PartProgress,
  endedAt: Date | undefined,
): Promise<boolean> {
  const { numUpdatedRows } = await database
    .updateTable('job_parts')
    .set({
      status,
      ...(status === 'UNKNOWN' || status === 'FAILED' ? {} : { accepted: true }),
      agent_status: agentStatus === undefined ? null : JSON.stringify(agentStatus),
      error: error ?? null,
      failure_code: failureCode ?? null,
      ended_at: endedAt ?? null,
      ...lockColumns(agentStatus === undefined ? undefined : lockOfAgentJob(agentStatus)),
      ...(status === 'UNKNOWN' ? { check_at: sql<Date>`now()` } : {}),
      ...(filename === undefined ? {} : { filename_prefix: prefix ?? null, filename }),
      ...(bytesRead !== undefined && { bytes_read: bytesRead }),
      ...(verified !== undefined && { verified_state: verified }),
    })
    .where('job_id', '=', jobId)
    .where('position', '=', position)
    .where('ended_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Records that the parts of a job run that have not ended. The caller has locked the job's row. */
export async function startParts({ database }: InTransaction, jobId: string): Promise<void> {
  await database
    .updateTable('job_parts')
    .set({ status: 'RUNNING' })
    .where('job_id', '=', jobId)
    .where('ended_at', 'is', null)
    .execute()
}

/** Why and when parts that have not begun fail. */
export interface WaitingPartsFailure {
  error: string
  failureCode: FailureCode
  now: Date
  /** Absent: all of them. */
  positions?: readonly number[]
}

/**
 * Ends the parts of a job that have not begun: nothing of them is at any agent. The caller has locked the job's row.
 *
 * @returns How many ended.
 */
export async function failWaitingParts(
  { database }: InTransaction,
  jobId: string,
  { error, failureCode, now, positions }: WaitingPartsFailure,
): Promise<number> {
  let query = database
    .updateTable('job_parts')
    .set({ status: 'FAILED', error, failure_code: failureCode, ended_at: now })
    .where('job_id', '=', jobId)
    .where('ended_at', 'is', null)
    .where('reserved_at', 'is', null)
  if (positions !== undefined) query = query.where('position', '=', sql<number>`any(${positions}::integer[])`)
  const { numUpdatedRows } = await query.executeTakeFirst()
  return Number(numUpdatedRows)
}

/**
 * Replaces parts of a job that have not begun by parts of these items, which come last. The caller has locked the job's row.
 */
export async function replaceWaitingParts(
  { database }: InTransaction,
  jobId: string,
  positions: readonly number[],
  items: readonly string[],
): Promise<void> {
  const { numDeletedRows } = await database
    .deleteFrom('job_parts')
    .where('job_id', '=', jobId)
    .where('position', '=', sql<number>`any(${positions}::integer[])`)
    .where('ended_at', 'is', null)
    .where('reserved_at', 'is', null)
    .executeTakeFirst()
  // The job was cancelled meanwhile, and its parts have ended.
  if (numDeletedRows === 0n) return
  await sql`
    insert into job_parts (job_id, position, item, database, status)
    select ${jobId}, last.position + item.number, item.name, item.name, 'STARTED'
    from unnest(${items}::text[]) with ordinality as item (name, number),
      (select coalesce(max(position), -1) as position from job_parts where job_id = ${jobId}) last`.execute(database)
}

/** Records of the parts of a job that work at an agent that their outcome is unknown. Their agent is asked after a while. */
export async function setPartsUnknown(
  { database }: InTransaction,
  jobId: string,
  error: string,
  checkAfterSeconds: number,
): Promise<void> {
  await database
    .updateTable('job_parts')
    .set({
      status: 'UNKNOWN',
      error,
      check_at: sql<Date>`now() + make_interval(secs => ${checkAfterSeconds})`,
    })
    .where('job_id', '=', jobId)
    .where('ended_at', 'is', null)
    .where('reserved_at', 'is not', null)
    .execute()
}

/** The states of all parts of a job, and why those failed that did. */
export async function partOutcomes(
  { database }: InTransaction,
  jobId: string,
): Promise<{ status: JobStatus; failureCode: FailureCode | undefined }[]> {
  const rows = await database
    .selectFrom('job_parts')
    .select(['status', 'failure_code'])
    .where('job_id', '=', jobId)
    .execute()
  return rows.map(({ status, failure_code }) => ({ status, failureCode: failure_code ?? undefined }))
}

/** Clears the file of a part whose object was removed. */
export async function clearPartFile({ database }: InTransaction, jobId: string, item: string): Promise<void> {
  await database
    .updateTable('job_parts')
    .set({ filename: null })
    .where('job_id', '=', jobId)
    .where('item', '=', item)
    .execute()
}

/** Names the file of a part again, after its restore point was undeleted. */
export async function setPartFile(
  { database }: InTransaction,
  { jobId, item, filename }: Pick<RestorePoint, 'jobId' | 'item' | 'filename'>,
): Promise<void> {
  await database
    .updateTable('job_parts')
    .set({ filename })
    .where('job_id', '=', jobId)
    .where('item', '=', item)
    .execute()
}

/** Which of these restore points are read by restores that have not ended. */
export async function pointsBeingRestored(
  { database }: { database: Database },
  pointIds: readonly string[],
): Promise<Set<string>> {
  const rows = await database
    .selectFrom('job_parts')
    .innerJoin('jobs', 'jobs.id', 'job_parts.job_id')
    .select('job_parts.restore_point_id')
    .where('jobs.ended_at', 'is', null)
    .where('jobs.kind', '=', 'restore')
    .where('job_parts.restore_point_id', '=', sql<string>`any(${pointIds})`)
    .execute()
  return new Set(rows.flatMap((row) => row.restore_point_id ?? []))
}
