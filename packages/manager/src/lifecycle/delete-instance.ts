import type { Call } from '../access/call.ts'
import { lockAgentAssignments } from '../agents/repository.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context, TransactionContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { deleteDeregistration } from '../deregistrations/repository.ts'
import { lockInstance, markInstanceDeleted } from '../instances/repository.ts'
import { getInstance } from '../instances/service.ts'
import { findWorkingJob } from '../jobs/reservations-repository.ts'
import { deleteManagedPlans } from '../plans/managed-repository.ts'
import { nameOfAnyPlan } from '../plans/repository.ts'
import { RequestError } from '../shared/request-error.ts'
import { agentIdsOf, deleteIfUnused } from './save-instance.ts'

/**
 * Deletes a service instance with its credentials, and the plans that something maintains; its jobs and restore points stay.
 *
 * @throws {RequestError} If it still has a plan of its own, or a job works on it: its agent could not be asked any more how that ended.
 */
export async function deleteInstance(context: Context, call: Call, id: string): Promise<void> {
  const agentIds = agentIdsOf(await getInstance(context, call, id))
  await inAuditedTransaction(context, call, async (tx) => {
    await lockAgentAssignments(tx)
    // Nothing maintains a plan of it, or protects it anew, from here on.
    await lockInstance(tx, id)
    const plan = await nameOfAnyPlan(tx, { instanceId: id, managed: false })
    if (plan !== undefined) {
      const message = `The service instance still has the backup plan ${JSON.stringify(plan)}: delete its plans first.`
      throw new RequestError('conflict', message)
    }
    await removeInstance(tx, id, agentIds)
  })
}

/**
 * Deletes an instance that has no plan of its own any more. The assignments of agents, and the instance, are locked.
 *
 * @throws {RequestError} `conflict`, if a job works on it.
 */
export async function removeInstance(tx: TransactionContext, id: string, agentIds: readonly string[]): Promise<void> {
  await requireNoWorkingJob(tx, id)
  await deleteManagedPlans(tx, { instanceId: id })
  await markInstanceDeleted(tx, id, await readClock(tx))
  for (const agentId of agentIds) await deleteIfUnused(tx, agentId, id)
  await deleteDeregistration(tx, id)
}

async function requireNoWorkingJob(tx: TransactionContext, instanceId: string): Promise<void> {
  const jobId = await findWorkingJob(tx, instanceId)
  if (jobId === undefined) return
  const message =
    `The job ${jobId} works on the service instance: wait for its end, or cancel it; ` +
    'if its agent does not answer any more, give the job up.'
  throw new RequestError('conflict', message, { jobId })
}
