import type { LockedDatabase } from '@osb-backup/protocol'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { Agent, AgentHealth } from './agent.ts'
import { type AgentHealthReport, statusOfAgent } from './agent-health.ts'
import * as repository from './repository.ts'

const BATCH_SIZE = 20
/** Of PostgreSQL. */
const MAX_INTEGER = 2_147_483_647

type CheckContext = Pick<Context, 'database' | 'sealer' | 'agentConnections' | 'settings'>

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
  const askedAt = await readClock(context)
  const answer = await statusOfAgent(agent, { signal, dispatcher: context.agentConnections.dispatcherFor(agent.id) })
  const answeredAt = await readClock(context)
  const skewSeconds = answer.kind === 'status' ? skewOf(context, answer.status.time, askedAt, answeredAt) : undefined
  const health = healthAfter(agent.health, answer, answeredAt, skewSeconds)
  await repository.recordHealth(context, agent, health)
  const lockedDatabases = answer.kind === 'status' ? answer.status.locked_databases : undefined
  return { agent: { ...agent, health }, lockedDatabases }
}

function healthAfter(
  before: AgentHealth,
  answer: Awaited<ReturnType<typeof statusOfAgent>>,
  lastCheckedAt: Date,
  skewSeconds: number | undefined,
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
    skewSeconds,
    disks: disksOf(answer.status),
    lastSeenAt: lastCheckedAt,
    lastCheckedAt,
  }
}

/** How far the clock of an agent is ahead of PostgreSQL's, in seconds; undefined: no more than is allowed, for all that is known. */
function skewOf(
  { settings }: Pick<Context, 'settings'>,
  time: string | undefined,
  askedAt: Date,
  answeredAt: Date,
): number | undefined {
  if (time === undefined) return undefined
  const at = Date.parse(time)
  const skewMs = at < askedAt.getTime() ? at - askedAt.getTime() : Math.max(0, at - answeredAt.getTime())
  if (Math.abs(skewMs) <= settings.clockSkewWarningSeconds * 1000) return undefined
  return Math.sign(skewMs) * Math.min(Math.round(Math.abs(skewMs) / 1000), MAX_INTEGER)
}

/** The file systems of which it reports both the free space and the size. */
function disksOf({ free_disk_bytes: free, disk_size_bytes: size }: AgentHealthReport): AgentHealth['disks'] {
  return Object.entries(size).flatMap(([directory, sizeBytes]) => {
    const freeBytes = free[directory]
    return freeBytes === undefined ? [] : [{ directory, freeBytes, sizeBytes }]
  })
}
