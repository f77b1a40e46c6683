import { type Candidate, type Election, electAgent, type RunKind } from '@osb-backup/core'
import { electAtAgent } from '../agents/agent-queries.ts'
import { findAgent } from '../agents/repository.ts'
import type { Context } from '../context/context.ts'
import { type AgentPlace, agentPlaces, type ServiceInstance } from '../instances/instance.ts'
import type { ScriptParameters } from '../jobs/job.ts'
import { agentsWithLock } from '../jobs/locks-repository.ts'
import { electionRequest } from './agent-request.ts'
import { withDatabaseCredentials } from './database-credentials.ts'

/** An agent that did not answer its last check is not waited for long. */
const UNREACHABLE_TIMEOUT_MS = 3000
const TIMEOUT_MS = 30_000

/** What an agent is wanted for. */
export interface ElectionQuestion {
  kind: RunKind
  /** The database that is dumped or written; absent: nothing is started. */
  database?: string
  /** Of a restore. */
  parameters?: ScriptParameters
  /** The ids of agents that were elected before and did not start the job. */
  passedOver: ReadonlySet<string>
}

/** Whether an instance has several agents, of which one is elected for each part of a job. */
export const isCluster = ({ otherAgents }: ServiceInstance): boolean => otherAgents.length > 0

/**
 * Asks all agents of a cluster at the same time how well their nodes suit, and elects one.
 *
 * @throws {PartFailure} If there are no credentials of the database.
 */
export async function electPlace(
  context: Pick<Context, 'database' | 'sealer' | 'credHub' | 'agentConnections'>,
  registered: ServiceInstance,
  question: ElectionQuestion,
  signal: AbortSignal,
): Promise<Exclude<Election, { result: 'elected' }> | { result: 'elected'; place: AgentPlace }> {
  const instance = await withDatabaseCredentials(context, registered, signal)
  const places = agentPlaces(instance)
  const { database } = question
  const locks = database === undefined ? new Set() : await agentsWithLock(context, instance.id, database)
  const candidates = await Promise.all(
    places.map(async (place): Promise<Candidate> => {
      const { agentId } = place
      const agent = await findAgent(context, agentId)
      const isPassedOver = question.passedOver.has(agentId)
      const known = { agentId, isPassedOver, hasLock: locks.has(agentId) }
      if (agent === undefined)
        return { ...known, name: agentId, answer: { result: 'unable', reason: 'it was deleted' } }
      const body = electionRequest({ instance, ...place }, question)
      const timeoutMs = agent.health.isReachable === false ? UNREACHABLE_TIMEOUT_MS : TIMEOUT_MS
      const options = { signal, dispatcher: context.agentConnections.dispatcherFor(agentId), timeoutMs }
      const answer = await electAtAgent(agent, question.kind, body, options)
      return { ...known, name: `the agent at ${agent.url}`, answer }
    }),
  )
  const election = electAgent(candidates)
  if (election.result !== 'elected') return election
  const place = places.find(({ agentId }) => agentId === election.agentId)
  return place === undefined ? { result: 'none', reason: 'nobody was asked' } : { result: 'elected', place }
}
