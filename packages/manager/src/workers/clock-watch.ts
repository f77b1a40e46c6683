import type { PeriodicTask } from '@osb-backup/node'
import { measureSkew, observeClock } from '../clock/service.ts'
import type { Context } from '../context/context.ts'

const EVERY_MS = 5000

/** Watches PostgreSQL's clock, and compares that of the manager with it. */
export const clockWatch = (context: Context): PeriodicTask => ({
  name: 'watch the clock',
  intervalMs: EVERY_MS,
  async run() {
    await observeClock(context)
    await measureSkew(context)
    return false
  },
})
