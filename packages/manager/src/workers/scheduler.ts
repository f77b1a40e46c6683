import type { PeriodicTask } from '@osb-backup/node'
import type { Context } from '../context/context.ts'
import { dispatchDuePlans } from '../jobs/dispatch-due-plans.ts'
import { dispatchDueRetries } from '../jobs/retry-runs.ts'
import { skipBlockedRuns } from '../jobs/skip-blocked-runs.ts'

const TICK_MS = 250
/** How many due plans or attempts one transaction dispatches; with more it continues at once, and another manager may help. */
const BATCH_SIZE = 100

/** Starts plans when they are due, and further attempts of their runs. A run that is due takes the place of an attempt. */
export const schedulerTick = (context: Context): PeriodicTask => ({
  name: 'start due plans',
  intervalMs: TICK_MS,
  async run() {
    const plans = await dispatchDuePlans(context, BATCH_SIZE)
    const attempts = await dispatchDueRetries(context, BATCH_SIZE)
    if (plans + attempts > 0) context.wakeWorkers()
    return plans === BATCH_SIZE || attempts === BATCH_SIZE
  },
})

const SKIP_EVERY_MS = 1000

/** Skips scheduled runs that could not begin in time. */
export const skipTask = (context: Context): PeriodicTask => ({
  name: 'skip runs whose databases stay busy',
  intervalMs: SKIP_EVERY_MS,
  async run() {
    await skipBlockedRuns(context)
    return false
  },
})
