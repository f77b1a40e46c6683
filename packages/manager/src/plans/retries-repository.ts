import { longestRetryWaitMs } from '@osb-backup/core'
import { sql } from 'kysely'
import type { Database } from '../database/open-database.ts'
import type { InTransaction } from '../database/transaction.ts'

/** The next attempt of the last run of a plan. Deleting the plan deletes it. */
export interface PlanRetry {
  planId: string
  /** The job that failed. */
  jobId: string
  /** 2 for the first retry. */
  number: number
  at: Date
}

const NONE = { retry_at: null, retry_of_job_id: null, retry_number: null } as const

/**
 * Locks a plan whose run has failed.
 *
 * @returns What decides whether the run is tried again; undefined: the plan was deleted.
 */
export async function lockRetryRules(
  { database }: InTransaction,
  planId: string,
): Promise<{ retries: number; nextRunAt: Date | undefined } | undefined> {
  const row = await database
    .selectFrom('backup_plans')
    .select(['paused', 'retries', 'next_run_at'])
    .where('id', '=', planId)
    .forNoKeyUpdate()
    .executeTakeFirst()
  return row && { retries: row.paused ? 0 : row.retries, nextRunAt: row.next_run_at ?? undefined }
}

/** Schedules the next attempt of a run of a plan that is locked. */
export async function scheduleRetry(
  { database }: InTransaction,
  { planId, jobId, number, at }: PlanRetry,
): Promise<void> {
  await database
    .updateTable('backup_plans')
    .set({ retry_at: at, retry_of_job_id: jobId, retry_number: number })
    .where('id', '=', planId)
    .execute()
}

/** Whether any attempt is due. It reads one entry of an index, since it is asked four times a second. */
export async function isAnyRetryDue({ database }: { database: Database }): Promise<boolean> {
  const due = await database
    .selectFrom('backup_plans')
    .select('id')
    .where('retry_at', '<=', sql<Date>`now()`)
    .limit(1)
    .execute()
  return due.length > 0
}

/** Locks plans with an attempt that is due and that no other manager has locked, the longest due first. */
export async function lockDueRetries({ database }: InTransaction, now: Date, limit: number): Promise<PlanRetry[]> {
  const rows = await database
    .selectFrom('backup_plans')
    .select(['id', 'retry_at', 'retry_of_job_id', 'retry_number'])
    .where('retry_at', '<=', now)
    .orderBy('retry_at')
    .limit(limit)
    .forUpdate()
    .skipLocked()
    .execute()
  return rows.flatMap(({ id, retry_at: at, retry_of_job_id: jobId, retry_number: number }) =>
    at === null || jobId === null || number === null ? [] : [{ planId: id, jobId, number, at }],
  )
}

/**
 * Makes attempts due that would start later than after the longest wait.
 *
 * @param firstWaitSeconds - Of the settings.
 * @returns How many.
 */
export async function capRetries({ database }: { database: Database }, firstWaitSeconds: number): Promise<number> {
  const longestMs = longestRetryWaitMs(firstWaitSeconds * 1000)
  const { numAffectedRows = 0n } = await sql`
    update backup_plans set retry_at = now()
    where retry_at > now() + make_interval(secs => ${longestMs / 1000})`.execute(database)
  return Number(numAffectedRows)
}

/** Drops the next attempts of plans that are locked: each was started, or a newer run takes its place. */
export async function dropRetries({ database }: InTransaction, planIds: readonly string[]): Promise<void> {
  await database
    .updateTable('backup_plans')
    .set(NONE)
    .where('id', '=', sql<string>`any(${planIds}::text[])`)
    .where('retry_at', 'is not', null)
    .execute()
}

/** Drops the next attempt of a plan that allows fewer retries now. */
export async function dropRetriesBeyond({ database }: InTransaction, planId: string, retries: number): Promise<void> {
  await database
    .updateTable('backup_plans')
    .set(NONE)
    .where('id', '=', planId)
    .where('retry_number', '>', retries + 1)
    .execute()
}

/**
 * Drops the attempt that follows a job.
 *
 * @returns Whether there was one.
 */
export async function dropRetryOf({ database }: InTransaction, jobId: string): Promise<boolean> {
  const { numUpdatedRows } = await database
    .updateTable('backup_plans')
    .set(NONE)
    .where('retry_of_job_id', '=', jobId)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** When these jobs are followed by another attempt, by job. */
export async function nextAttemptsOf(
  { database }: { database: Database },
  jobIds: readonly string[],
): Promise<Map<string, Date>> {
  if (jobIds.length === 0) return new Map()
  const rows = await database
    .selectFrom('backup_plans')
    .select(['retry_of_job_id', 'retry_at'])
    .where('retry_of_job_id', '=', sql<string>`any(${jobIds}::text[])`)
    .execute()
  return new Map(
    rows.flatMap(({ retry_of_job_id: id, retry_at: at }) => (id === null || at === null ? [] : [[id, at] as const])),
  )
}
