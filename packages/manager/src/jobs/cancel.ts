import { isOver } from '@osb-backup/protocol'
import type { Context } from '../context/context.ts'
import { announceJobChange } from '../database/notifications.ts'
import type { Database } from '../database/open-database.ts'
import { type DrivenJob, failOpenParts, JobTakenOver } from '../execution/record-part.ts'
import { RequestError } from '../shared/request-error.ts'

/**
 * Who wants the job to end; undefined: nobody.
 *
 * @throws {JobTakenOver} If somebody else drives the job: asked before each call to its agent, since whoever was suspended for
 *   a while must not start anew what its successor has ended.
 */
export async function cancellationOf(database: Database, job: DrivenJob): Promise<string | undefined> {
  const row = await database
    .selectFrom('jobs')
    .select(['cancelled_by', 'driver_id'])
    .where('id', '=', job.id)
    .executeTakeFirst()
  if (row === undefined || row.driver_id !== (job.driverId ?? null)) throw new JobTakenOver(job.id)
  return row.cancelled_by ?? undefined
}

/**
 * Cancels a job. One that nobody has begun is over at once. One that runs is told to its agent, by whoever drives it, and is
 * over when its cleanup and unlock have run.
 *
 * @param by - Who cancels it, for people to read.
 * @throws {RequestError} If the job is over.
 */
export async function cancelJob({ database, now }: Context, jobId: string, by: string): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    const job = await transaction
      .selectFrom('jobs')
      .select(['status', 'cancelled_at', 'taken_at'])
      .where('id', '=', jobId)
      .forUpdate()
      .executeTakeFirst()
    if (job === undefined || isOver(job.status)) throw new RequestError('conflict', `The job ${jobId} is over.`)
    if (job.cancelled_at !== null) return
    await transaction
      .updateTable('jobs')
      .set({ cancelled_at: now(), cancelled_by: by })
      .where('id', '=', jobId)
      .execute()
    // What no driver ever took is at no agent.
    if (job.taken_at === null) await failOpenParts(transaction, jobId, `Cancelled by ${by} before it began.`, now())
    await announceJobChange(transaction, jobId)
  })
}
