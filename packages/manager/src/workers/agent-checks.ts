import type { PeriodicTask } from '@osb-backup/node'
import { checkDueAgents } from '../agents/check-agents.ts'
import type { Context } from '../context/context.ts'
import { recordReportedLocks } from '../jobs/locks.ts'

const EVERY_MS = 1000

/** Checks whether agents are reachable, and which databases they have locked. */
export const agentChecks = (context: Context): PeriodicTask => ({
  name: 'check agents',
  intervalMs: EVERY_MS,
  async run(signal) {
    const { checked, maybeMore } = await checkDueAgents(context, signal)
    for (const { agent, lockedDatabases } of checked) {
      if (lockedDatabases !== undefined) await recordReportedLocks(context, agent, lockedDatabases)
    }
    return maybeMore
  },
})
