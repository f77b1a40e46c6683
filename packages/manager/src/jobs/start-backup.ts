import type { Call } from '../access/call.ts'
import type { Context, TransactionContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { IdempotencyKey } from '../idempotency/idempotency-key.ts'
import { findInstance } from '../instances/repository.ts'
import { requireSelectableItems } from '../items/service.ts'
import type { BackupPlan, PlanToRun } from '../plans/plan.ts'
import { lockPlan } from '../plans/repository.ts'
import { newIdentifier } from '../shared/identifier.ts'
import { notFound, RequestError } from '../shared/request-error.ts'
import { createJob } from './create-job.ts'
import { type Attempt, type BackupJob, FIRST_ATTEMPT, NEW_PART } from './job.ts'
import { openJobsOfPlans } from './open-jobs-repository.ts'
import { describeBlocker } from './reservations.ts'
import { findBlockers } from './reservations-repository.ts'

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
    parallelItems: plan.parallelItems,
    dueAt: due?.dueAt,
    late: due?.late ?? false,
    attempt: { ...FIRST_ATTEMPT, ...due?.attempt },
    startedAt,
    beganAt: undefined,
    endedAt: undefined,
    cancelled: undefined,
    parts: plan.items.map((item, position) => ({
      ...NEW_PART,
      position,
      item,
      prefix: undefined,
      filename: undefined,
    })),
  }
}

/** How a backup is started. */
export interface StartOptions {
  /** A request that is sent again with the same key starts nothing. */
  key?: IdempotencyKey | undefined
  /** The job waits for others that work on its databases; by default it is refused. */
  wait?: boolean
}

/**
 * Starts a run of a plan now.
 *
 * @param plan - That the caller was authorized for.
 * @param call - Undefined: the manager starts it by itself.
 * @throws {RequestError} If a job of the plan waits or runs; or, unless it may wait, if another job works on one of its databases
 *   or is going to restore into one.
 */
export async function startBackup(
  context: Context,
  call: Call | undefined,
  plan: BackupPlan,
  { key, wait = false }: StartOptions = {},
): Promise<BackupJob> {
  const job = newBackupJob(plan, await readClock(context))
  return createJob(context, { job, call, key }, async (tx) => {
    await requireNoOpenJob(tx, plan.id)
    await requireOwnItems(tx, plan)
    if (!wait) await requireNoBlocker(tx, plan)
  })
}

async function requireOwnItems(tx: TransactionContext, { instanceId, items }: BackupPlan): Promise<void> {
  const instance = await findInstance(tx, instanceId)
  if (instance !== undefined) await requireSelectableItems(tx, instance, items, 'items')
}

async function requireNoBlocker(tx: TransactionContext, { instanceId, items }: BackupPlan): Promise<void> {
  const [blocker] = await findBlockers(tx, instanceId, items)
  if (blocker === undefined) return
  const message = `${JSON.stringify(blocker.database)} cannot be backed up now. ${describeBlocker(blocker)}`
  throw new RequestError('database-busy', message, { jobId: blocker.jobId })
}

/** At most one job of a plan waits or runs. The plan stays locked, so that no other is started meanwhile. */
async function requireNoOpenJob(tx: TransactionContext, planId: string): Promise<void> {
  if ((await lockPlan(tx, planId)) === undefined) throw notFound('backup plan', planId)
  const open = (await openJobsOfPlans(tx, [planId])).get(planId)
  if (open === undefined) return
  const message = `The job ${open} of this plan has not ended: wait for its end, or cancel it.`
  throw new RequestError('conflict', message, { jobId: open })
}
