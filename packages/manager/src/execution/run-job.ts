import { isOver } from '@osb-backup/protocol'
import { sql } from 'kysely'
import type { Context } from '../context/context.ts'
import type { Database } from '../database/open-database.ts'
import { findJob } from '../jobs/repository.ts'
import { type DrivenJob, failOpenParts, JobTakenOver, lockDriven } from './record-part.ts'
import { runPart } from './run-part.ts'

/** How often in a row driving a job may fail here before what is left of it is given up. */
const MOST_FAILURES = 20

/** Drives jobs to their ends, and keeps count of those that it fails to drive. */
export class JobDriver {
  readonly #context: Context
  readonly #failures = new Map<string, number>()

  constructor(context: Context) {
    this.#context = context
  }

  /**
   * Drives a job to its end, part by part. May be called again for a job that another manager began, or that is over.
   *
   * @param driverId - Who drives it; as soon as that is somebody else, nothing is written any more.
   * @param signal - Stops the driving, not the job: the agent goes on, and whoever takes the job next finds it there.
   * @throws {Error} What kept it from being driven, our database for one; the caller tries again later. After too many of
   *   those the parts that are left become FAILED with that reason.
   */
  async drive(jobId: string, driverId: string, signal: AbortSignal): Promise<void> {
    try {
      await runJob(this.#context, jobId, driverId, signal)
      this.#failures.delete(jobId)
    } catch (error) {
      if (error instanceof JobTakenOver) return
      if (signal.aborted || (await isDown(this.#context.database))) throw error
      const failures = (this.#failures.get(jobId) ?? 0) + 1
      this.#failures.set(jobId, failures)
      if (failures < MOST_FAILURES) throw error
      this.#failures.delete(jobId)
      await giveUp(this.#context, { id: jobId, driverId }, error instanceof Error ? error.message : String(error))
    }
  }
}

async function runJob(context: Context, jobId: string, driverId: string, signal: AbortSignal): Promise<void> {
  const job = await findJob(context, jobId)
  if (job === undefined) return
  const log = context.log.child({ jobId, kind: job.kind })
  for (const part of job.parts.filter((each) => !isOver(each.status))) {
    signal.throwIfAborted()
    await runPart({ ...context, log: log.child({ item: part.item }) }, { ...job, driverId }, part, signal)
  }
}

async function giveUp({ database, log, now }: Context, driven: DrivenJob, reason: string): Promise<void> {
  log.error({ jobId: driven.id, reason }, 'a job is given up')
  const error = `The manager failed ${MOST_FAILURES} times to follow the job: ${reason}`
  await database.transaction().execute(async (transaction) => {
    await lockDriven(transaction, driven)
    await failOpenParts(transaction, driven.id, error, now())
  })
}

/** Whether our database is out of reach: that is no failure of the job. */
async function isDown(database: Database): Promise<boolean> {
  return sql`select 1`.execute(database).then(
    () => false,
    () => true,
  )
}
