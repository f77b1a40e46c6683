import { authorizeInstance, type Call } from '../access/call.ts'
import { requirePermission } from '../access/limits.ts'
import { lockAgentAssignments } from '../agents/repository.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context, TransactionContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { Deregistration } from '../deregistrations/deregistration.ts'
import { findDeregistration, saveDeregistration } from '../deregistrations/repository.ts'
import { findInstance, lockInstance } from '../instances/repository.ts'
import { getInstance } from '../instances/service.ts'
import { openJobsOfPlans } from '../jobs/open-jobs-repository.ts'
import { findWorkingJob } from '../jobs/reservations-repository.ts'
import { deletePlans, lockPlansOfInstance, plansOfInstance } from '../plans/repository.ts'
import { planIdsWithPointsOf } from '../restore-points/repository.ts'
import { newIdentifier } from '../shared/identifier.ts'
import { removeInstance } from './delete-instance.ts'
import { keepFilesUntil } from './kept-files-repository.ts'
import { agentIdsOf } from './save-instance.ts'

const DAY_MS = 86_400_000
const ACCEPTED = 202

/** What becomes of a service instance whose broker deletes its database. */
export type DeregistrationRequest = Pick<Deregistration, 'lastBackup' | 'keepFilesDays'>

/**
 * Deregisters a service instance together with its plans. Its restore points stay; with `keepFilesDays` their files are deleted after
 * that time. Where a last backup is taken, or a job still works on it, that takes a while.
 *
 * @returns The deregistration that does it; undefined: it is done.
 * @throws {RequestError} If the caller may not have files deleted.
 */
export async function deregisterInstance(
  context: Context,
  call: Call,
  instanceId: string,
  { lastBackup, keepFilesDays }: DeregistrationRequest,
): Promise<Deregistration | undefined> {
  await getInstance(context, call, instanceId)
  if (keepFilesDays !== undefined) requirePermission(call, 'delete-backups', 'Deleting the files of an instance')
  return inAuditedTransaction(context, call, async (tx) => {
    await lockForDeletion(tx, instanceId)
    const known = await findDeregistration(tx, instanceId)
    if (known?.state === 'running') return known
    const requestedAt = await readClock(tx)
    const deregistration: Deregistration = {
      ...{ id: newIdentifier(requestedAt), instanceId, state: 'running', reason: undefined },
      ...{ lastBackup, keepFilesDays, jobIds: {}, requestedAt },
    }
    const plans = await plansOfInstance(tx, instanceId)
    const takesBackup = lastBackup && plans.some(({ paused }) => !paused)
    if (!takesBackup && !(await isBusy(tx, instanceId))) {
      await completeDeregistration(tx, deregistration)
      return undefined
    }
    await saveDeregistration(tx, deregistration)
    call.audit.status = ACCEPTED
    return deregistration
  })
}

/** Locks an instance, in the order in which all do that delete it. */
export async function lockForDeletion(tx: TransactionContext, instanceId: string): Promise<void> {
  await lockAgentAssignments(tx)
  await lockInstance(tx, instanceId)
}

/** Whether a job works on the instance, or is going to. */
async function isBusy(tx: TransactionContext, instanceId: string): Promise<boolean> {
  const planIds = (await plansOfInstance(tx, instanceId)).map(({ id }) => id)
  if ((await openJobsOfPlans(tx, planIds)).size > 0) return true
  return (await findWorkingJob(tx, instanceId)) !== undefined
}

/**
 * Deletes the instance with its plans.
 *
 * @throws {RequestError} `conflict`, if a job works on it.
 */
export async function completeDeregistration(
  tx: TransactionContext,
  { instanceId, keepFilesDays, requestedAt }: Deregistration,
): Promise<void> {
  // No job of them starts from here on.
  await deletePlans(tx, await lockPlansOfInstance(tx, instanceId))
  if (keepFilesDays !== undefined) {
    const deleteAt = new Date(requestedAt.getTime() + keepFilesDays * DAY_MS)
    for (const planId of await planIdsWithPointsOf(tx, instanceId)) {
      await keepFilesUntil(tx, { planId, instanceId }, deleteAt)
    }
  }
  const instance = await findInstance(tx, instanceId)
  await removeInstance(tx, instanceId, instance === undefined ? [] : agentIdsOf(instance))
}

/** How the deregistration of an instance is going; undefined: there is none. */
export async function getDeregistration(
  context: Context,
  call: Call,
  instanceId: string,
): Promise<Deregistration | undefined> {
  await authorizeInstance(call, instanceId)
  return findDeregistration(context, instanceId)
}
