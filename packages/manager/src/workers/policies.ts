import type { PeriodicTask } from '@osb-backup/node'
import type { Context } from '../context/context.ts'
import { enforcePolicies } from '../policies/enforce.ts'

const EVERY_MS = 1000
const BATCH_SIZE = 20

/** Applies the policies to instances that were registered or changed, and to all once a policy was changed. */
export const policyEnforcement = (context: Context): PeriodicTask => ({
  name: 'enforce policies',
  intervalMs: EVERY_MS,
  run: (signal) => enforcePolicies(context, BATCH_SIZE, signal),
})
