import type { Chore } from '../chores.ts'
import type { Context } from '../context.ts'
import { removeObject, takeDueRemovals } from '../restore-points/removals.ts'
import type { RestorePoint } from '../restore-points/restore-point.ts'
import { takeDueSweeps } from './due-sweeps.ts'
import { sweepPlan } from './sweep-plan.ts'

const BATCH = 20
const LOOK_EVERY_MS = 1000

/** What applies retention, and removes the objects that shall go. */
export const retentionChores: readonly Chore[] = [
  {
    what: 'retention is not applied',
    everyMs: LOOK_EVERY_MS,
    async act(context, signal) {
      const planIds = await takeDueSweeps(context, BATCH)
      for (const planId of planIds) {
        signal.throwIfAborted()
        await sweepPlan(context, planId)
      }
      return planIds.length === BATCH
    },
  },
  {
    what: 'objects are not removed',
    everyMs: LOOK_EVERY_MS,
    async act(context, signal) {
      const points = await takeDueRemovals(context, BATCH)
      // At the same time: a store that does not answer keeps the others waiting as little as may be.
      await Promise.all(points.map((point) => tryToRemove(context, point, signal)))
      return points.length === BATCH
    },
  },
]

async function tryToRemove(context: Context, point: RestorePoint, signal: AbortSignal): Promise<void> {
  try {
    await removeObject(context, point, signal)
  } catch (error) {
    if (signal.aborted) return
    const { id, removal } = point
    context.log.warn({ err: error, restorePointId: id, attempts: removal?.attempts }, 'an object was not removed')
  }
}
