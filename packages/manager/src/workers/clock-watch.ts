import type { PeriodicTask } from '@osb-backup/node'
import { measureSkew, observeClock } from '../clock/service.ts'
import type { Context } from '../context/context.ts'
import { recomputeNextRuns } from '../plans/recompute-next-runs.ts'

const EVERY_MS = 5000
/** How far PostgreSQL's clock may advance more or less than the time that passed, before the next runs of plans are recomputed. */
const DRIFT_MS = 30_000

/** Watches PostgreSQL's clock, and compares that of the manager with it. After it was set, the next runs of plans are recomputed. */
export function clockWatch(context: Context): PeriodicTask {
  let offsetMs: number | undefined
  return {
    name: 'watch the clock',
    intervalMs: EVERY_MS,
    async run(signal) {
      const { now } = await observeClock(context)
      const currentMs = now.getTime() - context.clock.uptimeSeconds() * 1000
      // Also where a manager had to wait for the observation: to recompute once too often changes nothing.
      const wasSet = offsetMs !== undefined && Math.abs(currentMs - offsetMs) > DRIFT_MS
      if (wasSet) await recomputeNextRuns(context, signal)
      offsetMs = currentMs
      await measureSkew(context)
      return false
    },
  }
}
