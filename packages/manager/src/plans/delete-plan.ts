import type { Context } from '../context.ts'
import { requestRemoval } from '../restore-points/removals.ts'

/**
 * Deletes a plan. Its jobs and restore points stay; with `delete` the objects go, but for those that are held or being
 * restored.
 */
export async function deletePlan({ database, now }: Context, id: string, files: 'keep' | 'delete'): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    if (files === 'delete') {
      const points = await transaction.selectFrom('restore_points').select('id').where('plan_id', '=', id).execute()
      const ids = points.map((point) => point.id)
      await requestRemoval(transaction, ids, 'PLAN_DELETED', now())
    }
    await transaction.deleteFrom('backup_plans').where('id', '=', id).execute()
  })
}
