import type { PeriodicTask } from '@osb-backup/node'
import type { Context } from '../context/context.ts'
import { dispatchDueDrills } from '../drills/dispatch-due-drills.ts'

const EVERY_MS = 1000
const BATCH_SIZE = 20

/** Starts the drills that are due. */
export const drillTick = (context: Context): PeriodicTask => ({
  name: 'start due drills',
  intervalMs: EVERY_MS,
  async run() {
    const due = await dispatchDueDrills(context, BATCH_SIZE)
    if (due > 0) context.wakeWorkers()
    return due === BATCH_SIZE
  },
})
