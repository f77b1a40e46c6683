import type { PeriodicTask } from '@osb-backup/node'
import { reportManager, withdrawReport } from '../alarms/report-manager.ts'
import type { Context } from '../context/context.ts'
import { evaluateAlarms } from '../evaluation/evaluate-alarms.ts'

/** Reports how this manager is, and evaluates the alarms unless another manager did. */
export const alarmTask = (context: Context): PeriodicTask => ({
  name: 'evaluate alarms',
  intervalMs: context.settings.alarmIntervalSeconds * 1000,
  async run(signal) {
    await reportManager(context)
    // Not while it is being stopped, when its report is about to be withdrawn.
    if (!signal.aborted) await evaluateAlarms(context)
    return false
  },
})

/** Lets the others know that this manager was stopped on purpose. */
export async function withdrawFromAlarms(context: Context): Promise<void> {
  await withdrawReport(context).catch((error: unknown) =>
    context.log.warn({ err: error }, 'this manager will be reported as gone: its report could not be withdrawn'),
  )
}
