import type { PeriodicTask } from '@osb-backup/node'
import type { Context } from '../context/context.ts'
import { applyRetention, claimDueRetention } from '../retention/service.ts'

const EVERY_MS = 1000
const BATCH_SIZE = 20

/** Applies the retention of plans when it is due. */
export const retentionSweep = (context: Context): PeriodicTask => ({
  name: 'apply retention',
  intervalMs: EVERY_MS,
  async run(signal) {
    const planIds = await claimDueRetention(context, BATCH_SIZE)
    for (const planId of planIds) {
      signal.throwIfAborted()
      await applyRetention(context, planId)
    }
    return planIds.length === BATCH_SIZE
  },
})
