import type { Call } from '../access/call.ts'
import type { Context, TransactionContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { IdempotencyKey } from '../idempotency/idempotency-key.ts'
import type { BackupPlan, PlanToRun } from '../plans/plan.ts'
import { lockPlan } from '../plans/repository.ts'
import { newIdentifier } from '../shared/identifier.ts'
import { notFound, RequestError } from '../shared/request-error.ts'
import { createJob } from './create-job.ts'
import { type Attempt, type BackupJob, FIRST_ATTEMPT, NEW_PART } from './job.ts'
import { openJobsOfPlans } from './repository.ts'

/** The scheduled run that a job is for. */
interface DueRun {
  dueAt: Date
  late: boolean
  /** Absent: the first. */
  attempt?: Pick<Attempt, 'number' | 'firstId' | 'previousId'>
}

/** A new run of a plan. */
export function newBackupJob(plan: PlanToRun, startedAt: Date, due?: DueRun): BackupJob {
  return {
    id: newIdentifier(startedAt),
    kind: 'backup',
    status: 'STARTED',
    instanceId: plan.instanceId,
    planId: plan.id,
    destinationId: plan.destinationId,
    compression: plan.compression,
    compressor: plan.compressor,
    publicKey: plan.publicKey,
    dueAt: due?.dueAt,
    late: due?.late ?? false,
    attempt: { ...FIRST_ATTEMPT, ...due?.attempt },
    startedAt,
    beganAt: undefined,
    endedAt: undefined,
    cancelled: undefined,
    parts: plan.items.map((item, position) => ({ ...NEW_PART, position, item, filename: undefined })),
  }
}

/**
 * Starts a run of a plan now.
 *
 * @param plan - That the caller was authorized for.
 * @param call - Undefined: the manager starts it by itself.
 * @param key - A request that is sent again with the same key starts nothing.
 * @throws {RequestError} If a job of the plan waits or runs.
 */
export async function startBackup(
  context: Context,
  call: Call | undefined,
  plan: BackupPlan,
  key?: IdempotencyKey,
): Promise<BackupJob> {
  const job = newBackupJob(plan, await readClock(context))
  return createJob(context, { job, call, key }, (tx) => requireNoOpenJob(tx, plan.id))
}

/** At most one job of a plan waits or runs. The plan stays locked, so that nobody else starts one meanwhile. */
async function requireNoOpenJob(tx: TransactionContext, planId: string): Promise<void> {
  if ((await lockPlan(tx, planId)) === undefined) throw notFound('backup plan', planId)
  const open = (await openJobsOfPlans(tx, [planId])).get(planId)
  if (open === undefined) return
  throw new RequestError('conflict', `The job ${open} of this plan has not ended: wait for its end, or cancel it.`)
}
