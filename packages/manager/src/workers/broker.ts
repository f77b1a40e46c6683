import type { PeriodicTask } from '@osb-backup/node'
import { continueDeprovisioning } from '../broker/continue-deprovision.ts'
import type { Context } from '../context/context.ts'
import { continueDeregistrations } from '../lifecycle/continue-deregistration.ts'
import { deleteKeptFiles } from '../lifecycle/kept-files.ts'

const STEP_EVERY_MS = 1000
const FILES_EVERY_MS = 5_000

/** What follows when service instances are deprovisioned. */
export const brokerTasks = (context: Context): PeriodicTask[] => [
  {
    name: 'continue deprovisioning',
    intervalMs: STEP_EVERY_MS,
    async run(signal) {
      await continueDeprovisioning(context, signal)
      await continueDeregistrations(context, signal)
      return false
    },
  },
  {
    name: 'delete kept files',
    intervalMs: FILES_EVERY_MS,
    async run() {
      await deleteKeptFiles(context)
      return false
    },
  },
]
