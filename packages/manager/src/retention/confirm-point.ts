import type { Call } from '../access/call.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { lockRetention, requestRetention } from '../plans/retention-repository.ts'
import { recordConfirmation } from '../restore-points/marks-repository.ts'
import type { RestorePoint } from '../restore-points/restore-point.ts'
import { getPoint } from '../restore-points/service.ts'
import { RequestError } from '../shared/request-error.ts'

/**
 * Confirms that the size of a suspicious restore point is right: it counts as a backup from now on.
 *
 * @throws {RequestError} If its object is being removed.
 */
export async function confirmPoint(context: Context, call: Call, id: string): Promise<RestorePoint> {
  const point = await getPoint(context, call, id)
  if (!point.suspicious) return point
  const confirmation = await inAuditedTransaction(context, call, async (tx) => {
    const at = await readClock(tx)
    // The plan before its points, as where its retention is applied.
    await lockRetention(tx, point.planId, at)
    const recorded = { at, by: call.caller.name }
    if (!(await recordConfirmation(tx, id, recorded))) {
      throw new RequestError('conflict', `The restore point ${id} is being removed.`)
    }
    // It may replace older ones now.
    await requestRetention(tx, point.planId, at)
    return recorded
  })
  return { ...point, suspicious: false, confirmation }
}
