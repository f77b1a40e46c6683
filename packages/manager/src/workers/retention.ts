import type { Context } from '../context/context.ts'
import { takeDueSweeps } from '../plans/sweeps-repository.ts'
import { removeObject, takeDueRemovals } from '../removals/service.ts'
import type { RestorePoint } from '../restore-points/restore-point.ts'
import { sweepPlan } from '../retention/service.ts'
import type { Chore } from './periodic-task.ts'

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
