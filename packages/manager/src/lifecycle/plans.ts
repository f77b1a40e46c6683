import type { Transaction } from 'kysely'
import type { Context } from '../context/context.ts'
import type { Tables } from '../database/schema.ts'
import { openJobsOfPlans } from '../jobs/repository.ts'
import { pointsBeingRestored, requestRemoval } from '../removals/service.ts'
import { RequestError } from '../shared/request-error.ts'

/**
 * Deletes a plan. Its jobs and restore points stay; with `delete` the objects go, but for those that are held.
 *
 * @throws {RequestError} If files are to go while a job of the plan is not over, or one is being restored.
 */
export async function deletePlan({ database, now }: Context, id: string, files: 'keep' | 'delete'): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    // Held, so that no job of it starts meanwhile.
    await transaction.selectFrom('backup_plans').select('id').where('id', '=', id).forUpdate().execute()
    if (files === 'delete') {
      await needNoOpenJob(transaction, [id])
      const points = await transaction.selectFrom('restore_points').select('id').where('plan_id', '=', id).execute()
      const ids = points.map((point) => point.id)
      await needNoneRestored(transaction, ids)
      await requestRemoval(transaction, ids, 'PLAN_DELETED', now())
    }
    await transaction.deleteFrom('backup_plans').where('id', '=', id).execute()
  })
}

/** What a job stores after the files were removed would stay for ever. @throws {RequestError} Naming the job. */
export async function needNoOpenJob(transaction: Transaction<Tables>, planIds: readonly string[]): Promise<void> {
  if (planIds.length === 0) return
  const [open] = (await openJobsOfPlans(transaction, planIds)).values()
  if (open === undefined) return
  const message = `The job ${open} is not over: wait for its end, or cancel it, before its files are deleted.`
  throw new RequestError('conflict', message)
}

/** @throws {RequestError} Naming the restore point. */
export async function needNoneRestored(transaction: Transaction<Tables>, ids: readonly string[]): Promise<void> {
  const [read] = await pointsBeingRestored(transaction, ids)
  if (read === undefined) return
  throw new RequestError('conflict', `The restore point ${read} is being restored: wait for the end.`)
}
