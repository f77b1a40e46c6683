import { jobStatusOf } from '@osb-backup/core'
import { type AgentJob, isOver, type JobStatus } from '@osb-backup/protocol'
import type { Transaction } from 'kysely'
import { announceJobChange } from '../database/notifications.ts'
import type { Database } from '../database/open-database.ts'
import type { Tables } from '../database/schema.ts'

/** What is recorded of a part as it runs. */
export interface PartProgress {
  status: JobStatus
  report?: AgentJob | undefined
  error?: string | undefined
  filename?: string | undefined
}

/** A job and who drives it; undefined: nobody. */
export interface DrivenJob {
  id: string
  driverId: string | undefined
}

/** Somebody else drives the job now: what was to be recorded is theirs to find out. */
export class JobTakenOver extends Error {
  override readonly name = 'JobTakenOver'

  constructor(jobId: string) {
    super(`job ${jobId} is driven by another manager now`)
  }
}

/**
 * Records how a part stands, and the job's state that follows from all its parts, in one transaction. A part that is
 * over stays as it is.
 *
 * @param also - Written in the same transaction, and only if the part was not over.
 * @throws {JobTakenOver} If somebody else drives the job; then nothing is written.
 */
export async function recordPart(
  database: Database,
  job: DrivenJob,
  position: number,
  progress: PartProgress,
  now: Date,
  also?: (transaction: Transaction<Tables>) => Promise<void>,
): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    await lockDriven(transaction, job)
    const { numUpdatedRows } = await transaction
      .updateTable('job_parts')
      .set({
        status: progress.status,
        accepted: true,
        report: progress.report === undefined ? null : JSON.stringify(progress.report),
        error: progress.error ?? null,
        ended_at: isOver(progress.status) ? now : null,
        ...(progress.filename === undefined ? {} : { filename: progress.filename }),
      })
      .where('job_id', '=', job.id)
      .where('position', '=', position)
      .where('ended_at', 'is', null)
      .executeTakeFirst()
    if (numUpdatedRows === 0n) return
    await also?.(transaction)
    await recordJob(transaction, job.id, now)
  })
}

/**
 * Locks the row of a job that one drives.
 *
 * @throws {JobTakenOver} If somebody else drives it.
 */
export async function lockDriven(transaction: Transaction<Tables>, job: DrivenJob): Promise<void> {
  const stored = await transaction
    .selectFrom('jobs')
    .select('driver_id')
    .where('id', '=', job.id)
    .forUpdate()
    .executeTakeFirst()
  if (stored === undefined || stored.driver_id !== (job.driverId ?? null)) throw new JobTakenOver(job.id)
}

/** Ends the parts of a job that are not over. The caller holds the job's row. */
export async function failOpenParts(
  transaction: Transaction<Tables>,
  jobId: string,
  error: string,
  now: Date,
): Promise<void> {
  await transaction
    .updateTable('job_parts')
    .set({ status: 'FAILED', error, ended_at: now })
    .where('job_id', '=', jobId)
    .where('ended_at', 'is', null)
    .execute()
  await recordJob(transaction, jobId, now)
}

/** The job's state follows from those of all its parts. */
async function recordJob(transaction: Transaction<Tables>, jobId: string, now: Date): Promise<void> {
  const parts = await transaction.selectFrom('job_parts').select('status').where('job_id', '=', jobId).execute()
  const status = jobStatusOf(parts.map((part) => part.status))
  await transaction
    .updateTable('jobs')
    .set({ status, ...(isOver(status) ? { ended_at: now, sealed_private_key: null } : {}) })
    .where('id', '=', jobId)
    .execute()
  await announceJobChange(transaction, jobId)
}
