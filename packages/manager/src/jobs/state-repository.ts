import type { JobKind } from '@osb-backup/core'
import type { JobStatus } from '@osb-backup/protocol'
import { sql } from 'kysely'
import { notifyJobChange } from '../database/notifications.ts'
import type { Database } from '../database/open-database.ts'
import type { InTransaction } from '../database/transaction.ts'
import { type JobLock, JobLockLost } from './job.ts'

/** The span that a job continues; undefined: nobody traced what created it. */
export async function findTraceparent(
  { database }: { database: Database },
  jobId: string,
): Promise<string | undefined> {
  const row = await database.selectFrom('jobs').select('traceparent').where('id', '=', jobId).executeTakeFirst()
  return row?.traceparent ?? undefined
}

/**
 * Locks the row of a job that this manager has locked for its workers.
 *
 * @throws {JobLockLost} If another one has.
 */
export async function lockJob({ database }: InTransaction, lock: JobLock): Promise<void> {
  const row = await database
    .selectFrom('jobs')
    .select('locked_by')
    .where('id', '=', lock.id)
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined || row.locked_by !== (lock.lockedBy ?? null)) throw new JobLockLost(lock.id)
}

/** Sets the state of a job that follows from its parts. One that ended keeps no secrets. */
export async function setJobStatus(
  tx: InTransaction,
  jobId: string,
  status: JobStatus,
  endedAt: Date | undefined,
): Promise<void> {
  await tx.database
    .updateTable('jobs')
    .set({ status, ...(endedAt && { ended_at: endedAt, sealed_private_key: null, sealed_parameters: null }) })
    .where('id', '=', jobId)
    .execute()
  await notifyJobChange(tx, jobId)
}

/**
 * Who cancelled a job; undefined: it was not cancelled.
 *
 * @throws {JobLockLost} If another manager has the job locked.
 */
export async function findCancellation(
  { database }: { database: Database },
  lock: JobLock,
): Promise<string | undefined> {
  const row = await database
    .selectFrom('jobs')
    .select(['cancelled_by', 'locked_by'])
    .where('id', '=', lock.id)
    .executeTakeFirst()
  if (row === undefined || row.locked_by !== (lock.lockedBy ?? null)) throw new JobLockLost(lock.id)
  return row.cancelled_by ?? undefined
}

/** Locks the row of a job, whichever manager has the job locked, to end parts of it. */
export async function lockJobToEnd(
  { database }: InTransaction,
  id: string,
): Promise<
  { kind: JobKind; status: JobStatus; hasBegun: boolean; isCancelled: boolean; partCount: number } | undefined
> {
  const row = await database
    .selectFrom('jobs')
    .select(['kind', 'status', 'began_at', 'cancelled_at'])
    .select(sql<number>`(select count(*)::integer from job_parts where job_id = jobs.id)`.as('part_count'))
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  return (
    row && {
      kind: row.kind,
      status: row.status,
      hasBegun: row.began_at !== null,
      isCancelled: row.cancelled_at !== null,
      partCount: row.part_count,
    }
  )
}

/** Records when the first part of a job began, unless that is recorded. */
export async function setBegan({ database }: InTransaction, id: string, at: Date): Promise<void> {
  await database.updateTable('jobs').set({ began_at: at }).where('id', '=', id).where('began_at', 'is', null).execute()
}

/** Records that a job was cancelled. */
export async function setCancelled(tx: InTransaction, id: string, by: string, at: Date): Promise<void> {
  await tx.database.updateTable('jobs').set({ cancelled_at: at, cancelled_by: by }).where('id', '=', id).execute()
  await notifyJobChange(tx, id)
}
