import type { Call } from '../access/call.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context, TransactionContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { IdempotencyKey } from '../idempotency/idempotency-key.ts'
import { createJob } from '../jobs/create-job.ts'
import { NEW_PART, type VerifyJob } from '../jobs/job.ts'
import { recordVerification } from '../restore-points/marks-repository.ts'
import type { RestorePoint } from '../restore-points/restore-point.ts'
import { getPoint } from '../restore-points/service.ts'
import { newIdentifier } from '../shared/identifier.ts'
import { RequestError } from '../shared/request-error.ts'
import { readBack } from './read-back.ts'
import { findOpenVerification, lockPoint } from './repository.ts'

/** What is verified. */
export interface VerificationRequest {
  pointId: string
  /** How many percent of the chunks are read, chosen at random; undefined: all. */
  samplePercent?: number | undefined
}

/**
 * Starts a job that verifies a restore point.
 *
 * @param key - A request that is sent again with the same key starts nothing.
 * @throws {RequestError} If the restore point is being removed or verified.
 */
export async function startVerification(
  context: Context,
  call: Call,
  { pointId, samplePercent }: VerificationRequest,
  key: IdempotencyKey | undefined,
): Promise<VerifyJob> {
  const point = await getPoint(context, call, pointId)
  const startedAt = await readClock(context)
  const { instanceId, planId, destinationId, jobId: sourceJobId, item } = point
  const job: VerifyJob = {
    id: newIdentifier(startedAt),
    kind: 'verify',
    status: 'STARTED',
    instanceId,
    planId,
    destinationId,
    sourceJobId,
    samplePercent,
    startedAt,
    beganAt: undefined,
    endedAt: undefined,
    cancelled: undefined,
    parts: [{ ...NEW_PART, position: 0, item, restorePointId: pointId, bytesRead: undefined, verified: undefined }],
  }
  return createJob(context, { job, call, key }, (tx) => requireVerifiable(tx, pointId))
}

async function requireVerifiable(tx: TransactionContext, pointId: string): Promise<void> {
  if (!(await lockPoint(tx, pointId))) {
    throw new RequestError('conflict', `The restore point ${pointId} is being removed.`)
  }
  const open = await findOpenVerification(tx, pointId)
  if (open === undefined) return
  throw new RequestError('conflict', `The restore point ${pointId} is being verified by the job ${open}.`)
}

/**
 * Verifies a restore point while the caller waits.
 *
 * @throws {RequestError} If the store could not be read; then nothing is recorded.
 */
export async function verifyPoint(
  context: Context,
  call: Call,
  id: string,
  signal: AbortSignal,
): Promise<RestorePoint> {
  const point = await getPoint(context, call, id)
  const { state } = await readBack(context, point, { signal })
  const at = await readClock(context)
  await inAuditedTransaction(context, call, (tx) => recordVerification(tx, point.id, state, at))
  return { ...point, verification: { at, state } }
}
