import type { PeriodicTask } from '@osb-backup/node'
import type { Context } from '../context/context.ts'
import { claimDueRemovals, removeObject } from '../removals/service.ts'
import type { RestorePoint } from '../restore-points/restore-point.ts'

const EVERY_MS = 1000
const BATCH_SIZE = 20

/** Removes objects whose restore points are marked for removal. */
export const objectRemoval = (context: Context): PeriodicTask => ({
  name: 'remove objects',
  intervalMs: EVERY_MS,
  async run(signal) {
    const points = await claimDueRemovals(context, BATCH_SIZE)
    // Concurrently, so that a store that does not answer delays the others as little as possible.
    await Promise.all(points.map((point) => tryToRemove(context, point, signal)))
    return points.length === BATCH_SIZE
  },
})

async function tryToRemove(context: Context, point: RestorePoint, signal: AbortSignal): Promise<void> {
  try {
    await removeObject(context, point, signal)
  } catch (error) {
    if (signal.aborted) return
    const { id, removal } = point
    context.log.warn({ err: error, restorePointId: id, attempts: removal?.attempts }, 'removing an object failed')
  }
}
