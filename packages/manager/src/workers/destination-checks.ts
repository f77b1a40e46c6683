import type { PeriodicTask } from '@osb-backup/node'
import type { Context } from '../context/context.ts'
import { checkDueDestinations } from '../destinations/check-destinations.ts'

const EVERY_MS = 10_000
const BATCH_SIZE = 20

/** Checks whether destinations can be reached with their credentials. */
export const destinationChecks = (context: Context): PeriodicTask => ({
  name: 'check destinations',
  intervalMs: EVERY_MS,
  run: async (signal) => (await checkDueDestinations(context, BATCH_SIZE, signal)) === BATCH_SIZE,
})
