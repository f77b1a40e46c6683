import type { Call } from '../access/call.ts'
import { lockAgentAssignments } from '../agents/repository.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { markInstanceDeleted } from '../instances/repository.ts'
import { getInstance } from '../instances/service.ts'
import { nameOfAnyPlan } from '../plans/repository.ts'
import { RequestError } from '../shared/request-error.ts'
import { deleteIfUnused } from './save-instance.ts'

/**
 * Deletes a service instance with its credentials; its jobs and restore points stay.
 *
 * @throws {RequestError} If it still has a plan.
 */
export async function deleteInstance(context: Context, call: Call, id: string): Promise<void> {
  const { agent } = await getInstance(context, call, id)
  await inAuditedTransaction(context, call, async (tx) => {
    await lockAgentAssignments(tx)
    const plan = await nameOfAnyPlan(tx, { instanceId: id })
    if (plan !== undefined) {
      const message = `The service instance still has the backup plan ${JSON.stringify(plan)}: delete its plans first.`
      throw new RequestError('conflict', message)
    }
    await markInstanceDeleted(tx, id, await readClock(tx))
    await deleteIfUnused(tx, agent.id, id)
  })
}
