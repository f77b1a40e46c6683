import { expiredPoints } from '@osb-backup/core'
import { observeClock } from '../clock/service.ts'
import type { Context } from '../context/context.ts'
import { inTransaction } from '../database/transaction.ts'
import * as plans from '../plans/retention-repository.ts'
import { requestRemoval } from '../removals/service.ts'
import { pointsOf } from '../restore-points/repository.ts'
import { isGood, isMissing } from '../restore-points/restore-point.ts'

/** Claims plans whose retention is due. Returns their ids, at most `limit`. */
export function claimDueRetention(context: Context, limit: number): Promise<string[]> {
  return plans.claimDueRetention(context, limit)
}

/**
 * Applies the retention of a plan: restore points that it does not keep are removed from now on. Those of deleted plans are
 * kept.
 *
 * @returns How many are removed. While PostgreSQL's clock is not trusted, none.
 */
export async function applyRetention(context: Context, planId: string): Promise<number> {
  const { now, isTrusted } = await observeClock(context)
  if (!isTrusted) return 0
  return inTransaction(context, async (tx) => {
    const retention = await plans.lockRetention(tx, planId, now)
    if (retention === undefined) return 0
    const points = (await pointsOf(tx, { planId }))
      .filter((point) => point.removal === undefined)
      .map((point) => ({ ...point, good: isGood(point), missing: isMissing(point) }))
    const expired = expiredPoints(points, retention, now).map((point) => point.id)
    const removed = await requestRemoval(tx, expired, 'RETENTION')
    await plans.recordRetentionApplied(tx, planId, now)
    if (removed.length > 0) context.log.info({ planId, restorePointIds: removed }, 'retention removes restore points')
    return removed.length
  })
}
