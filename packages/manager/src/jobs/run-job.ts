import { isOver } from '@osb-backup/core'
import type { Context } from '../context.ts'
import { runPart } from './run-part.ts'
import { findJob } from './store.ts'

/**
 * Drives a job to its end, part by part. May be called again for a job that another manager began, or that is over.
 *
 * @param signal - Stops the driving, not the job: the agent goes on, and whoever takes the job next finds it there.
 */
export async function runJob(context: Context, jobId: string, signal: AbortSignal): Promise<void> {
  const job = await findJob(context, jobId)
  if (job === undefined) return
  const log = context.log.child({ jobId, kind: job.kind })
  for (const part of job.parts.filter((each) => !isOver(each.status))) {
    signal.throwIfAborted()
    await runPart({ ...context, log: log.child({ item: part.item }) }, job, part, signal)
  }
}
