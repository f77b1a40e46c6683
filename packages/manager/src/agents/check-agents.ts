import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { Agent, AgentHealth } from './agent.ts'
import { statusOfAgent } from './agent-client.ts'
import * as repository from './repository.ts'

/** How often each agent is asked. */
const INTERVAL_SECONDS = 30
const BATCH_SIZE = 20

type CheckContext = Pick<Context, 'database' | 'sealer'>

/** Checks agents that are due. Returns whether there may be more. */
export async function checkDueAgents(context: CheckContext, signal: AbortSignal): Promise<boolean> {
  const agents = await repository.claimAgentChecks(context, INTERVAL_SECONDS, BATCH_SIZE)
  // Concurrently, so that an agent that does not answer delays the others as little as possible.
  await Promise.all(agents.map((agent) => checkAgent(context, agent, signal)))
  return agents.length === BATCH_SIZE
}

/** Asks an agent how it is, and records that. */
export async function checkAgent(context: CheckContext, agent: Agent, signal: AbortSignal): Promise<Agent> {
  const answer = await statusOfAgent(agent, signal)
  const health = healthAfter(agent.health, answer, await readClock(context))
  await repository.recordHealth(context, agent, health)
  return { ...agent, health }
}

function healthAfter(
  before: AgentHealth,
  answer: Awaited<ReturnType<typeof statusOfAgent>>,
  lastCheckedAt: Date,
): AgentHealth {
  if (answer.kind !== 'status') {
    return { ...before, isReachable: false, error: `The agent cannot be used: ${answer.reason}.`, lastCheckedAt }
  }
  const { version: agentVersion, capabilities } = answer.status
  return { isReachable: true, error: undefined, agentVersion, capabilities, lastSeenAt: lastCheckedAt, lastCheckedAt }
}
