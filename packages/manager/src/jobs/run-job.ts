import { isOver } from '@osb-backup/core'
import type { Context } from '../context.ts'
import { runPart } from './run-part.ts'
import { findJob, recordPart } from './store.ts'

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
   * @param signal - Stops the driving, not the job: the agent goes on, and whoever takes the job next finds it there.
   * @throws {Error} What kept it from being driven, our database for one; the caller tries again later. After too many of
   *   those the parts that are left become FAILED with that reason.
   */
  async drive(jobId: string, signal: AbortSignal): Promise<void> {
    try {
      await runJob(this.#context, jobId, signal)
      this.#failures.delete(jobId)
    } catch (error) {
      if (signal.aborted) throw error
      const failures = (this.#failures.get(jobId) ?? 0) + 1
      this.#failures.set(jobId, failures)
      if (failures < MOST_FAILURES) throw error
      this.#failures.delete(jobId)
      await giveUp(this.#context, jobId, error instanceof Error ? error.message : String(error))
    }
  }
}

async function runJob(context: Context, jobId: string, signal: AbortSignal): Promise<void> {
  const job = await findJob(context, jobId)
  if (job === undefined) return
  const log = context.log.child({ jobId, kind: job.kind })
  for (const part of job.parts.filter((each) => !isOver(each.status))) {
    signal.throwIfAborted()
    await runPart({ ...context, log: log.child({ item: part.item }) }, job, part, signal)
  }
}

async function giveUp(context: Context, jobId: string, reason: string): Promise<void> {
  context.log.error({ jobId, reason }, 'a job is given up')
  const job = await findJob(context, jobId)
  for (const part of job?.parts.filter((each) => !isOver(each.status)) ?? []) {
    const error = `The manager failed ${MOST_FAILURES} times to follow the job: ${reason}`
    const failed = { status: 'FAILED', report: part.report, error } as const
    await recordPart(context.database, jobId, part.position, failed, context.now())
  }
}
