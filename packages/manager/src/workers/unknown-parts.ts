import type { PeriodicTask } from '@osb-backup/node'
import type { Context } from '../context/context.ts'
import { checkUnknownParts } from '../jobs/unknown-parts.ts'

const EVERY_MS = 1000

/** Finds out how parts ended whose agents did not answer. */
export const unknownPartChecks = (context: Context): PeriodicTask => ({
  name: 'check parts of unknown outcome',
  intervalMs: EVERY_MS,
  async run(signal) {
    await checkUnknownParts(context, signal)
    return false
  },
})
