import type { PeriodicTask } from '@osb-backup/node'
import type { Context } from '../context/context.ts'
import { dispatchDuePlans } from '../jobs/dispatch-due-plans.ts'

const TICK_MS = 250
/** How many due plans one transaction dispatches; with more it continues at once, and another manager may help. */
const BATCH_SIZE = 100

/** Starts plans when they are due. */
export const schedulerTick = (context: Context): PeriodicTask => ({
  name: 'start due plans',
  intervalMs: TICK_MS,
  async run() {
    const dispatched = await dispatchDuePlans(context, BATCH_SIZE)
    if (dispatched > 0) context.wakeWorkers()
    return dispatched === BATCH_SIZE
  },
})
