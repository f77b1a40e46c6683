import type { PeriodicTask } from '@osb-backup/node'
import type { Context } from '../context/context.ts'
import { deliverDue } from '../notifications/deliver.ts'
import { enqueueSummaries } from '../notifications/summaries.ts'

const DELIVER_EVERY_MS = 1000
const SUMMARIZE_EVERY_MS = 15_000
const MAX_DELIVERIES = 20

/** Delivers what is in the outbox, and adds summaries when they are due. */
export const notificationTasks = (context: Context): PeriodicTask[] => [
  {
    name: 'deliver notifications',
    intervalMs: DELIVER_EVERY_MS,
    run: (signal) => deliverDue(context, MAX_DELIVERIES, signal),
  },
  {
    name: 'summarize alarms',
    intervalMs: SUMMARIZE_EVERY_MS,
    async run() {
      await enqueueSummaries(context)
      return false
    },
  },
]
