import type { PeriodicTask } from '@osb-backup/node'
import type { Context } from '../context/context.ts'
import { runDueSteps } from '../service-brokers/run-steps.ts'

const EVERY_MS = 1000

/** Provisions, binds, and deletes what is not needed any more, at service brokers. */
export const provisioning = (context: Context): PeriodicTask => ({
  name: 'provision instances',
  intervalMs: EVERY_MS,
  async run(signal) {
    await runDueSteps(context, signal)
    return false
  },
})
