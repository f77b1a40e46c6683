import { expiredPoints } from '@osb-backup/core'
import type { Context } from '../context/context.ts'
import { sweepDone } from '../plans/sweeps-repository.ts'
import { requestRemoval } from '../removals/service.ts'
import { pointFromRow } from '../restore-points/repository.ts'
import { isGood } from '../restore-points/restore-point.ts'

/**
 * Applies the retention of a plan: what it does not keep shall go. Restore points of plans that were deleted are kept.
 *
 * @returns How many restore points shall go from now on.
 */
export async function sweepPlan({ database, log, now }: Context, planId: string): Promise<number> {
  return database.transaction().execute(async (transaction) => {
    // Locked, so that nobody changes the retention while it is applied.
    const plan = await transaction
      .selectFrom('backup_plans')
      .select(['retention_style', 'retention_period', 'sweep_not_before'])
      .where('id', '=', planId)
      .forNoKeyUpdate()
      .executeTakeFirst()
    if (plan === undefined || (plan.sweep_not_before !== null && plan.sweep_not_before > now())) return 0
    const rows = await transaction
      .selectFrom('restore_points')
      .selectAll()
      .where('plan_id', '=', planId)
      .where('deleted_at', 'is', null)
      .where('removal_requested_at', 'is', null)
      .execute()
    const points = rows.map(pointFromRow).map((point) => ({ ...point, good: isGood(point) }))
    const retention = { style: plan.retention_style, period: plan.retention_period }
    const expired = expiredPoints(points, retention, now()).map((point) => point.id)
    const going = await requestRemoval(transaction, expired, 'RETENTION', now())
    await sweepDone(transaction, planId, now())
    if (going.length > 0) log.info({ planId, restorePoints: going }, 'retention does not keep these restore points')
    return going.length
  })
}
