import type { PeriodicTask } from '@osb-backup/node'
import { runClones } from '../clones/run-clones.ts'
import type { Context } from '../context/context.ts'

const EVERY_MS = 1000

/** Restores copies of instances into others. */
export const cloning = (context: Context): PeriodicTask => ({
  name: 'clone instances',
  intervalMs: EVERY_MS,
  async run(signal) {
    await runClones(context, signal)
    return false
  },
})
