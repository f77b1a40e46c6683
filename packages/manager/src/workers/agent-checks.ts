import type { PeriodicTask } from '@osb-backup/node'
import { checkDueAgents } from '../agents/check-agents.ts'
import type { Context } from '../context/context.ts'

const EVERY_MS = 1000

/** Checks whether agents are reachable. */
export const agentChecks = (context: Context): PeriodicTask => ({
  name: 'check agents',
  intervalMs: EVERY_MS,
  run: (signal) => checkDueAgents(context, signal),
})
