import type { Call } from '../access/call.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context, RepositoryContext, TransactionContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { IdempotencyKey } from '../idempotency/idempotency-key.ts'
import { createOnce } from '../idempotency/service.ts'
import { countInstancesOfAgents, instanceIdsOfAgent } from '../instances/ids-repository.ts'
import { newIdentifier } from '../shared/identifier.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import { changedMeanwhile, notFound, RequestError } from '../shared/request-error.ts'
import { includesRole } from '../shared/role.ts'
import { type Agent, type NewAgent, UNKNOWN_HEALTH } from './agent.ts'
import * as repository from './repository.ts'

/** One page of the agents of instances that the caller was granted; for admins and brokers also those that no instance uses. */
export async function searchAgents(
  context: RepositoryContext,
  call: Call,
  filter: Pick<repository.AgentSearch, 'isReachable' | 'text'>,
  page: KeysetRequest,
): Promise<KeysetPage<Agent>> {
  const scope = await call.caller.grants()
  return repository.searchAgents(context, { ...filter, scope, includesUnused: maySeeUnused(call.caller) }, page)
}

/**
 * @throws {RequestError} If there is no such agent, or the caller was granted none of its instances. To change an agent all of
 *   them must be granted.
 */
export async function getAgent(context: RepositoryContext, call: Call, id: string): Promise<Agent> {
  const agent = await repository.findAgent(context, id)
  if (agent === undefined || !(await isAuthorized(context, call, id))) throw notFound('agent', id)
  return agent
}

/**
 * The agent that an instance is to use.
 *
 * @throws {RequestError} `invalid`, if there is no such agent, or the caller may not use it.
 */
export async function getReferredAgent(
  context: RepositoryContext,
  call: Call,
  id: string,
  field = 'agentId',
): Promise<Agent> {
  const agent = await repository.findAgent(context, id)
  if (agent !== undefined && (await isAuthorized(context, { ...call, use: 'read' }, id))) return agent
  throw noReferredAgent(id, field)
}

/**
 * Makes sure that an agent that an instance is to use is stored until the instance is.
 *
 * @throws {RequestError} `invalid`, if it was deleted meanwhile.
 */
export async function lockReferredAgent(tx: TransactionContext, id: string, field = 'agentId'): Promise<void> {
  await repository.lockAgentAssignments(tx)
  if ((await repository.findAgent(tx, id)) === undefined) throw noReferredAgent(id, field)
}

const noReferredAgent = (id: string, field: string) =>
  new RequestError('invalid', `There is no agent ${JSON.stringify(id)}.`, { field })

async function isAuthorized(context: RepositoryContext, { caller, use }: Call, id: string): Promise<boolean> {
  if ((await caller.grants()) === 'all') return true
  const instanceIds = await instanceIdsOfAgent(context, id)
  if (instanceIds.length === 0) return maySeeUnused(caller)
  const granted = await Promise.all(instanceIds.map((instanceId) => caller.isGranted(instanceId, use)))
  return use === 'read' ? granted.includes(true) : !granted.includes(false)
}

/** Anyone who registers agents, for those that no instance uses yet. */
const maySeeUnused = ({ role }: Call['caller']) => role === 'broker' || includesRole(role, 'admin')

/**
 * Registers an agent.
 *
 * @param key - A request that is sent again with the same key creates nothing.
 * @throws {RequestError} If it has no password.
 */
export async function createAgent(
  context: Context,
  call: Call,
  wanted: NewAgent,
  key?: IdempotencyKey,
): Promise<Agent> {
  requirePassword(wanted)
  const agent = newAgent(wanted, await readClock(context), { isImplicit: false })
  return createOnce<Context, Agent>(context, {
    id: agent.id,
    call,
    key,
    async create(tx) {
      await repository.insertAgent(tx, agent)
      return agent
    },
    find: (id) => repository.findAgent(context, id),
  })
}

/** An agent that is not stored yet. */
export function newAgent(
  { url, username, password, name, label }: NewAgent,
  createdAt: Date,
  { isImplicit }: { isImplicit: boolean },
): Agent {
  const id = newIdentifier(createdAt)
  const unknown = { certificateExpiresAt: undefined, health: UNKNOWN_HEALTH }
  return { id, version: 1, name, label, url, username, password, isImplicit, createdAt, ...unknown }
}

/**
 * Replaces the settings of an agent.
 *
 * @param edited - The version to replace; undefined: whichever is stored.
 * @throws {RequestError} If it has no password, or was changed meanwhile.
 */
export async function updateAgent(
  context: Context,
  call: Call,
  agent: Agent,
  edited: number | undefined,
): Promise<Agent> {
  requirePassword(agent)
  const version = await inAuditedTransaction(context, call, async (tx) => {
    const written = await repository.updateAgent(tx, { ...agent, isImplicit: false }, edited)
    if (written === undefined) throw changedMeanwhile()
    return written
  })
  return {
    ...agent,
    version,
    health: {
      ...agent.health,
      isReachable: undefined,
      error: undefined,
      startProblem: undefined,
      skewSeconds: undefined,
      disks: [],
    },
  }
}

function requirePassword({ password }: NewAgent): void {
  if (password !== undefined) return
  const message = 'password is required: the password the agent was started with.'
  throw new RequestError('invalid', message, { field: 'password' })
}

/**
 * Deletes an agent with its password.
 *
 * @throws {RequestError} If an instance uses it, or a job works at it.
 */
export async function deleteAgent(context: Context, call: Call, id: string): Promise<void> {
  await getAgent(context, call, id)
  await inAuditedTransaction(context, call, async (tx) => {
    await repository.lockAgentAssignments(tx)
    const [instanceId] = await instanceIdsOfAgent(tx, id)
    if (instanceId !== undefined) {
      throw new RequestError('conflict', `The service instance ${JSON.stringify(instanceId)} still uses this agent.`)
    }
    if (await repository.markAgentDeleted(tx, id, await readClock(tx))) return
    throw new RequestError('conflict', 'A job works at this agent: wait for its end, cancel it, or give it up.')
  })
}

/** How many registered instances use each of these agents. For callers that were authorized already. */
export function countInstances(context: RepositoryContext, agentIds: readonly string[]): Promise<Map<string, number>> {
  return countInstancesOfAgents(context, agentIds)
}
