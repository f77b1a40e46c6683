import { dispatchDuePlans } from '../jobs/dispatch-due-plans.ts'
import { forgetOldRuns } from '../plans/plan-runs-repository.ts'
import { mendNextRuns } from '../plans/recompute-next-runs.ts'
import type { Chore } from './periodic-task.ts'

/** How many due plans one transaction takes; with more it goes on at once, and another manager may help. */
const BATCH = 100
const HOUR_MS = 3_600_000

/** What keeps plans running by their schedules. */
export const scheduleChores: readonly Chore[] = [
  {
    what: 'due plans are not started',
    everyMs: 250,
    async act(context) {
      const dispatched = await dispatchDuePlans(context, BATCH)
      if (dispatched > 0) context.wakeRunner()
      return dispatched === BATCH
    },
  },
  {
    what: 'next runs are not looked at',
    everyMs: HOUR_MS,
    async act(context, signal) {
      await mendNextRuns(context, signal)
      return false
    },
  },
  {
    what: 'old records of runs are not forgotten',
    everyMs: HOUR_MS,
    async act(context) {
      await forgetOldRuns(context)
      return false
    },
  },
]
