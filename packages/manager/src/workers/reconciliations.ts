import type { PeriodicTask } from '@osb-backup/node'
import type { Context } from '../context/context.ts'
import { runNextReconciliation } from '../reconciliation/run-reconciliation.ts'

/** Runs the reconciliations that were requested, one at a time in each manager. */
export const reconciliations = (context: Context): PeriodicTask => ({
  name: 'reconcile destinations',
  intervalMs: 1000,
  run: (signal) => runNextReconciliation(context, signal),
})
