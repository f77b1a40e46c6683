import { authorizeInstance, type Call } from '../access/call.ts'
import type { AgentAddress } from '../agents/agent-answer.ts'
import * as agents from '../agents/repository.ts'
import { getReferredAgent, lockReferredAgent, newAgent } from '../agents/service.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context, RepositoryContext, TransactionContext } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { IdempotencyKey } from '../idempotency/idempotency-key.ts'
import { createOnce } from '../idempotency/service.ts'
import { brokerKey } from '../instances/brokers.ts'
import { instanceIdsOfAgent } from '../instances/ids-repository.ts'
import { agentPlaces, backupHost, type ServiceInstance } from '../instances/instance.ts'
import { drillTargetProblem, findBrokerOf, findInstance, upsertInstance } from '../instances/repository.ts'
import { getInstance } from '../instances/service.ts'
import { claimItems } from '../items/service.ts'
import { changedMeanwhile, RequestError } from '../shared/request-error.ts'

/**
 * Allows to register or replace an instance. A broker may register one that never existed, which is its own from then on.
 *
 * @throws {RequestError} `not-found`, if it was not granted.
 */
export async function authorizeRegistration(context: Pick<Context, 'database'>, call: Call, id: string): Promise<void> {
  const isNew = call.caller.role === 'broker' && (await findBrokerOf(context, id)) === undefined
  if (!isNew) return authorizeInstance(call, id)
  call.audit.instanceId = id
}

/** The broker that an instance belongs to which a caller registers; undefined if it is no broker. */
export const registrarOf = ({ caller }: Call) => (caller.role === 'broker' ? brokerKey(caller) : undefined)

/** An instance that is described along with its agent, as the legacy paths do. */
export type InstanceWithAgent = Omit<ServiceInstance, 'agent' | 'createdAt'> & { agent: AgentAddress }

/**
 * Registers an instance, or replaces it, and registers its agent if there is none like it.
 *
 * @param edited - The version to replace; undefined: whichever is stored.
 * @returns The instance with its new version.
 * @throws {RequestError} If it cannot be backed up as it is, or was changed meanwhile.
 */
export async function saveInstanceWithAgent(
  context: Context,
  call: Call,
  instance: InstanceWithAgent,
  edited: number | undefined,
): Promise<ServiceInstance> {
  await authorizeRegistration(context, call, instance.id)
  backupHost(instance.hosts)
  if (instance.agent.password === undefined) {
    throw new RequestError('invalid', 'agent.password is required: the password the agent was started with.', {
      field: 'agent.password',
    })
  }
  return inAuditedTransaction(context, call, async (tx) => {
    await agents.lockAgentAssignments(tx)
    await authorizeRegistration(tx, call, instance.id)
    return storeInstanceWithAgent(tx, instance, edited, registrarOf(call))
  })
}

/**
 * Stores an instance with its agent, whose password may be unknown.
 *
 * @param edited - The version to replace; undefined: whichever is stored; `new`: none that is registered.
 * @param registeredBy - The broker that registers it.
 * @throws {RequestError} If it was changed meanwhile.
 */
export async function storeInstanceWithAgent(
  tx: InTransaction<RepositoryContext>,
  instance: InstanceWithAgent,
  edited: number | 'new' | undefined,
  registeredBy?: string,
): Promise<ServiceInstance> {
  await agents.lockAgentAssignments(tx)
  const stored = await findInstance(tx, instance.id)
  const agentId = await assignAgent(tx, instance, stored?.agent.id)
  const createdAt = stored?.createdAt ?? (await readClock(tx))
  const otherAgents = instance.otherAgents.filter((other) => other.agentId !== agentId)
  // Former paths know nothing of drill targets, and mark none.
  const { drillTarget } = { drillTarget: stored?.drillTarget, ...instance }
  const saved = { ...instance, drillTarget, createdAt, agent: { ...instance.agent, id: agentId }, otherAgents }
  await claimItems(tx, saved)
  const version = await upsertInstance(tx, saved, edited, registeredBy)
  if (version === undefined) throw changedMeanwhile()
  return { ...saved, version }
}

/**
 * The agent of an instance, by its address and credentials: one that is known; else the instance's own agent, changed, if no
 * other instance uses it; else a new one. No agent of other instances is changed.
 */
async function assignAgent(
  tx: InTransaction<RepositoryContext>,
  { id, agent }: InstanceWithAgent,
  storedId: string | undefined,
): Promise<string> {
  const known = (await agents.agentsAt(tx, agent.url)).find(
    (each) => each.username === agent.username && each.password === agent.password,
  )
  if (known !== undefined) {
    if (storedId !== undefined && storedId !== known.id) await deleteIfUnused(tx, storedId, id)
    return known.id
  }
  const own = storedId === undefined ? undefined : await agents.findAgent(tx, storedId)
  if (own?.isImplicit && !(await isUsedByOthers(tx, own.id, id))) {
    await agents.updateAgent(tx, { ...own, ...agent }, undefined)
    return own.id
  }
  const created = newAgent({ ...agent, name: undefined }, await readClock(tx), { isImplicit: true })
  await agents.insertAgent(tx, created)
  return created.id
}

/** Deletes an agent that was registered along with an instance, once no other instance uses it. Assignments must be locked. */
export async function deleteIfUnused(
  tx: InTransaction<RepositoryContext>,
  agentId: string,
  instanceId: string,
): Promise<void> {
  const agent = await agents.findAgent(tx, agentId)
  if (agent?.isImplicit && !(await isUsedByOthers(tx, agentId, instanceId))) {
    await agents.markAgentDeleted(tx, agentId, await readClock(tx))
  }
}

async function isUsedByOthers(
  tx: InTransaction<RepositoryContext>,
  agentId: string,
  instanceId: string,
): Promise<boolean> {
  return (await instanceIdsOfAgent(tx, agentId)).some((id) => id !== instanceId)
}

/** An instance to be registered, with an agent that is registered already. */
export type NewInstance = Omit<ServiceInstance, 'agent' | 'version' | 'createdAt'> & { agentId: string }

/**
 * Registers an instance.
 *
 * @param key - A request that is sent again with the same key creates nothing.
 * @throws {RequestError} If it is registered already, or cannot be backed up as it is.
 */
export async function createInstance(
  context: Context,
  call: Call,
  { agentId, ...wanted }: NewInstance,
  key?: IdempotencyKey,
): Promise<ServiceInstance> {
  await authorizeRegistration(context, call, wanted.id)
  backupHost(wanted.hosts)
  const agent = await getReferredAgent(context, call, agentId)
  await requireOtherAgents(context, call, { agentId, ...wanted }, [])
  await createOnce<Context, string>(context, {
    id: wanted.id,
    call,
    key,
    async create(tx) {
      await lockReferredAgents(tx, { agentId, ...wanted })
      const instance = { ...wanted, agent, version: 0, createdAt: await readClock(tx) }
      await claimItems(tx, instance)
      if ((await upsertInstance(tx, instance, 'new', registrarOf(call))) !== undefined) return wanted.id
      const message = `The service instance ${JSON.stringify(wanted.id)} is registered already.`
      throw new RequestError('conflict', message, { field: 'id' })
    },
    find: async (id) => (await findInstance(context, id))?.id,
  })
  return getInstance(context, call, wanted.id)
}

/**
 * Replaces an instance.
 *
 * @param edited - The version to replace.
 * @returns The instance with its new version.
 * @throws {RequestError} If it cannot be backed up as it is, or was changed meanwhile.
 */
export async function updateInstance(
  context: Context,
  call: Call,
  { agentId, ...wanted }: NewInstance,
  edited: number,
): Promise<ServiceInstance> {
  const stored = await getInstance(context, call, wanted.id)
  backupHost(wanted.hosts)
  const agent = agentId === stored.agent.id ? stored.agent : await getReferredAgent(context, call, agentId)
  await requireOtherAgents(context, call, { agentId, ...wanted }, agentIdsOf(stored))
  const version = await inAuditedTransaction(context, call, async (tx) => {
    await lockReferredAgents(tx, { agentId, ...wanted })
    await claimItems(tx, { ...stored, ...wanted, agent })
    const written = await markingTarget(wanted.id, upsertInstance(tx, { ...stored, ...wanted, agent }, edited))
    if (written === undefined) throw changedMeanwhile()
    const used = agentIdsOf({ ...wanted, agent })
    for (const id of agentIdsOf(stored)) if (!used.includes(id)) await deleteIfUnused(tx, id, wanted.id)
    return written
  })
  return { ...stored, ...wanted, agent, version }
}

/** @throws {RequestError} If an instance cannot be marked as a drill target, because it is backed up; or unmarked, because one is used. */
async function markingTarget<T>(id: string, written: Promise<T>): Promise<T> {
  try {
    return await written
  } catch (cause) {
    const problem = drillTargetProblem(cause)
    if (problem === undefined) throw cause
    const reason = {
      'backed-up': 'has backup plans or restore points: drills would overwrite what it holds',
      'in-use': 'is restored into by a drill: wait for its end, or cancel it',
    }[problem]
    throw new RequestError('conflict', `The service instance ${JSON.stringify(id)} ${reason}.`, {
      field: 'drillTarget',
      cause,
    })
  }
}

/** The ids of all agents of an instance. */
export const agentIdsOf = ({ agent, otherAgents }: Pick<ServiceInstance, 'agent' | 'otherAgents'>): string[] => [
  agent.id,
  ...otherAgents.map(({ agentId }) => agentId),
]

/**
 * Makes sure that the agents of a cluster exist once each, at hosts of the instance.
 *
 * @param known - Agents that need not be granted, because the instance uses them already.
 * @throws {RequestError} `invalid`, if not.
 */
async function requireOtherAgents(
  context: Context,
  call: Call,
  wanted: Pick<NewInstance, 'agentId' | 'otherAgents' | 'hosts'>,
  known: readonly string[],
): Promise<void> {
  const { agentId, otherAgents, hosts } = wanted
  const ids = [agentId, ...otherAgents.map((other) => other.agentId)]
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  if (twice !== undefined) {
    const message = `The agent ${JSON.stringify(twice)} is named twice.`
    throw new RequestError('invalid', message, { field: 'otherAgents' })
  }
  agentPlaces({ agent: { id: agentId }, otherAgents, hosts })
  for (const [index, id] of ids.slice(1).entries()) {
    if (!known.includes(id)) await getReferredAgent(context, call, id, `otherAgents.${index}.agentId`)
  }
}

async function lockReferredAgents(
  tx: TransactionContext,
  { agentId, otherAgents }: Pick<NewInstance, 'agentId' | 'otherAgents'>,
): Promise<void> {
  await lockReferredAgent(tx, agentId)
  for (const [index, other] of otherAgents.entries()) {
    await lockReferredAgent(tx, other.agentId, `otherAgents.${index}.agentId`)
  }
}
