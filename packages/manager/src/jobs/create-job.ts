import type { Call } from '../access/call.ts'
import type { Context, TransactionContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { IdempotencyKey } from '../idempotency/idempotency-key.ts'
import { createOnce } from '../idempotency/service.ts'
import type { Job } from './job.ts'
import { findJob, insertJobs } from './repository.ts'

/** A job to create, for whom, and what identifies the request if it is sent again. */
export interface JobRequest<J extends Job> {
  job: J
  /** Undefined: the manager creates it by itself. */
  call: Call | undefined
  /** Undefined: each request creates a job of its own. */
  key: IdempotencyKey | undefined
}

/**
 * Stores a job; a worker claims it from there.
 *
 * @param lock - Locks what the job depends on, and refuses it if that cannot be used.
 * @returns The job; or the one that the same request created before.
 */
export async function createJob<J extends Job>(
  context: Context,
  { job, call, key }: JobRequest<J>,
  lock: (tx: TransactionContext) => Promise<void>,
): Promise<J> {
  const created = await createOnce<Context, J>(context, {
    id: job.id,
    call,
    key,
    async create(tx) {
      await lock(tx)
      // The clock is read after the locks are held, so that a job starts after the one it waited for has ended.
      const started = { ...job, startedAt: await readClock(tx) }
      await insertJobs(tx, [started])
      return started
    },
    async find(id) {
      const found = await findJob(context, id)
      return found?.kind === job.kind ? (found as J) : undefined
    },
  })
  const { id: jobId, kind, instanceId, planId } = created
  context.log.info({ jobId, kind, instanceId, planId }, jobId === job.id ? 'job created' : 'job was created before')
  context.wakeWorkers()
  return created
}
