import type { PeriodicTask } from '@osb-backup/node'
import { continueDeprovisioning } from '../broker/continue-deprovision.ts'
import type { Context } from '../context/context.ts'
import { deleteKeptFiles } from '../lifecycle/kept-files.ts'

const STEP_EVERY_MS = 1000
const FILES_EVERY_MS = 5_000

/** What the manager's own broker does after it has answered. */
export const brokerTasks = (context: Context): PeriodicTask[] => [
  {
    name: 'continue deprovisioning',
    intervalMs: STEP_EVERY_MS,
    async run(signal) {
      await continueDeprovisioning(context, signal)
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
