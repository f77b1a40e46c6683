import type { LockedDatabase } from '@osb-backup/protocol'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { Agent, AgentHealth } from './agent.ts'
import { statusOfAgent } from './agent-client.ts'
import * as repository from './repository.ts'

const BATCH_SIZE = 20

type CheckContext = Pick<Context, 'database' | 'sealer' | 'agentConnections'>

/** An agent that was checked. */
export interface CheckedAgent {
  agent: Agent
  /** Undefined: it did not answer, or does not report that. */
  lockedDatabases: LockedDatabase[] | undefined
}

/** Checks agents that are due. */
export async function checkDueAgents(
  context: CheckContext,
  signal: AbortSignal,
): Promise<{ checked: CheckedAgent[]; maybeMore: boolean }> {
  const agents = await repository.claimAgentChecks(context, BATCH_SIZE)
  // Concurrently, so that an agent that does not answer delays the others as little as possible.
  const checked = await Promise.all(agents.map((agent) => checkAgent(context, agent, signal)))
  return { checked, maybeMore: agents.length === BATCH_SIZE }
}

/** Asks an agent how it is, and records that. */
export async function checkAgent(context: CheckContext, agent: Agent, signal: AbortSignal): Promise<CheckedAgent> {
  const answer = await statusOfAgent(agent, { signal, dispatcher: context.agentConnections.dispatcherFor(agent.id) })
  const health = healthAfter(agent.health, answer, await readClock(context))
  await repository.recordHealth(context, agent, health)
  const lockedDatabases = answer.kind === 'status' ? answer.status.locked_databases : undefined
  return { agent: { ...agent, health }, lockedDatabases }
}

function healthAfter(
  before: AgentHealth,
  answer: Awaited<ReturnType<typeof statusOfAgent>>,
  lastCheckedAt: Date,
): AgentHealth {
  if (answer.kind !== 'status') {
    return { ...before, isReachable: false, error: `The agent cannot be used: ${answer.reason}.`, lastCheckedAt }
  }
  const { version: agentVersion, capabilities, packs, start_problem: startProblem } = answer.status
  return {
    isReachable: true,
    error: undefined,
    agentVersion,
    capabilities,
    packs,
    startProblem,
    lastSeenAt: lastCheckedAt,
    lastCheckedAt,
  }
}
