import type { Call } from '../access/call.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context, TransactionContext } from '../context/context.ts'
import { RequestError } from '../shared/request-error.ts'
import type { IdempotencyKey } from './idempotency.ts'
import { reserveIdempotencyKey } from './idempotency-repository.ts'
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

type Created<J> = { isNew: true; job: J } | { isNew: false; jobId: string }

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
  const created = await inAuditedTransaction(context, call, async (tx): Promise<Created<J>> => {
    const reserved = key && (await reserveIdempotencyKey(tx, key, job.id, context.now()))
    if (reserved !== undefined) {
      if (reserved.requestDigest === key?.requestDigest) return { isNew: false, jobId: reserved.jobId }
      throw new RequestError('conflict', 'This Idempotency-Key was used for another request: use a new one.', {
        field: 'Idempotency-Key',
      })
    }
    await lock(tx)
    // The clock is read after the locks are held, so that a job starts after the one it waited for has ended.
    const started = { ...job, startedAt: context.now() }
    await insertJobs(tx, [started])
    return { isNew: true, job: started }
  })
  context.wakeWorkers()
  if (created.isNew) return created.job
  const found = await findJob(context, created.jobId)
  if (found?.kind === job.kind) return found as J
  throw new RequestError('conflict', 'The job that this Idempotency-Key started was deleted since.')
}
