import type { Call } from '../access/call.ts'
import { requirePermission } from '../access/limits.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context, TransactionContext } from '../context/context.ts'
import { openJobsOfPlans } from '../jobs/open-jobs-repository.ts'
import { requireMayEdit } from '../plans/managed.ts'
import type { BackupPlan } from '../plans/plan.ts'
import { deletePlans, lockPlan } from '../plans/repository.ts'
import { getPlan } from '../plans/service.ts'
import { requestRemoval, requireNoneRestored } from '../removals/service.ts'
import { pointsOf } from '../restore-points/repository.ts'
import { RequestError } from '../shared/request-error.ts'

/**
 * Deletes a plan. Its jobs and restore points stay; with `delete` the objects are removed, except those that are held.
 *
 * @returns The plan as it was.
 * @throws {RequestError} If something maintains it; if files are to be deleted while a job of the plan is open, or one of them is being restored.
 */
export async function deletePlan(
  context: Context,
  call: Call,
  id: string,
  files: 'keep' | 'delete',
): Promise<BackupPlan> {
  const plan = await getPlan(context, call, id)
  if (files === 'delete') requirePermission(call, 'delete-backups', 'Deleting the files of a plan')
  await inAuditedTransaction(context, call, async (tx) => {
    // Locked, so that no job of it starts meanwhile.
    const locked = await lockPlan(tx, id)
    if (locked !== undefined) requireMayEdit(locked.plan, undefined)
    if (files === 'delete') {
      await requireNoOpenJob(tx, [id])
      const pointIds = (await pointsOf(tx, { planId: id })).map((point) => point.id)
      await requireNoneRestored(tx, pointIds)
      await requestRemoval(tx, pointIds, 'PLAN_DELETED')
    }
    await deletePlans(tx, [id])
  })
  return plan
}

/** A file that a job stores after the others were removed would stay forever. @throws {RequestError} Naming the job. */
export async function requireNoOpenJob(tx: TransactionContext, planIds: readonly string[]): Promise<void> {
  const [open] = (await openJobsOfPlans(tx, planIds)).values()
  if (open === undefined) return
  const message = `The job ${open} has not ended: wait for its end, or cancel it, before its files are deleted.`
  throw new RequestError('conflict', message)
}
