import { isSecretName } from '@osb-backup/protocol'
import * as agents from '../agents/repository.ts'
import { lockAgentAssignments } from '../agents/repository.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { inTransaction } from '../database/transaction.ts'
import type { ServiceInstance } from '../instances/instance.ts'
import { findInstance, instancesById, markInstanceDeleted, upsertInstance } from '../instances/repository.ts'
import { claimItems } from '../items/service.ts'
import { findWorkingJob } from '../jobs/reservations-repository.ts'
import { agentIdsOf, deleteIfUnused } from '../lifecycle/save-instance.ts'
import { deletePlans, lockPlansOfInstance } from '../plans/repository.ts'
import { invariant } from '../shared/invariant.ts'
import { RequestError } from '../shared/request-error.ts'
import type { ProvisionedInstance } from './provisioned-instance.ts'
import type { ServiceBroker } from './service-broker.ts'

type RegistrationContext = Pick<Context, 'database' | 'sealer'>

/**
 * Makes an instance that a broker provisioned known to this manager, if the broker has not done so itself.
 *
 * @throws {RequestError} If it cannot be registered: the message says why.
 */
export async function registerProvisioned(
  context: RegistrationContext,
  broker: ServiceBroker,
  provisioned: ProvisionedInstance,
): Promise<void> {
  if ((await findInstance(context, provisioned.id)) !== undefined) return
  if (broker.registersInstances) {
    const message = `The service broker ${JSON.stringify(broker.name)} has not registered the instance at this manager.`
    throw new RequestError('conflict', message)
  }
  await inTransaction(context, async (tx) => {
    await lockAgentAssignments(tx)
    const source = (await instancesById(tx, [provisioned.sourceInstanceId])).get(provisioned.sourceInstanceId)
    invariant(source, `the instance ${provisioned.sourceInstanceId} is stored`)
    const agentId = broker.agentId ?? source.agent.id
    const agent = await agents.findAgent(tx, agentId)
    if (agent === undefined) throw new RequestError('conflict', `The agent ${JSON.stringify(agentId)} was deleted.`)
    const instance = { ...describeInstance(provisioned, source), agent, createdAt: await readClock(tx) }
    await claimItems(tx, instance)
    await upsertInstance(tx, instance, 'new')
  })
}

/** An instance as the credentials of its binding describe it; what they leave out is as at the source. */
function describeInstance(
  { id, serviceId, planId, credentials = {} }: ProvisionedInstance,
  source: ServiceInstance,
): Omit<ServiceInstance, 'agent' | 'createdAt'> {
  const found = connectionOf(credentials)
  if (found.host === undefined) {
    throw new RequestError('conflict', 'The credentials of the binding name no host, so it cannot be registered.')
  }
  const parameters = Object.entries(source.parameters).filter(
    ([name]) => !isSecretName(name) && !source.secretParameters.includes(name),
  )
  return {
    id,
    version: 0,
    serviceId,
    planId,
    organizationGuid: source.organizationGuid,
    spaceGuid: source.spaceGuid,
    parameters: Object.fromEntries(parameters),
    secretParameters: [],
    items: found.database === undefined ? undefined : [found.database],
    pack: source.pack,
    hosts: [{ name: found.host, ip: found.host, port: found.port, backup: true }],
    database: {
      username: found.username,
      password: found.password,
      backupUsername: undefined,
      backupPassword: undefined,
    },
    otherAgents: [],
  }
}

/** How to connect to what a binding gives access to. */
interface BindingConnection {
  host: string | undefined
  port: number | undefined
  username: string | undefined
  password: string | undefined
  database: string | undefined
}

/** Reads the usual names of credentials, and a `uri` for those that are missing. */
export function connectionOf(credentials: Record<string, unknown>): BindingConnection {
  const uri = textIn(credentials, ['uri', 'url'])
  const parsed = uri !== undefined && URL.canParse(uri) ? new URL(uri) : undefined
  const port = Number(textIn(credentials, ['port']) ?? parsed?.port)
  return {
    host: textIn(credentials, ['host', 'hostname']) ?? (parsed?.hostname.replace(/^\[|\]$/g, '') || undefined),
    port: Number.isInteger(port) && port >= 1 && port <= 65_535 ? port : undefined,
    username: textIn(credentials, ['username', 'user']) ?? decoded(parsed?.username),
    password: textIn(credentials, ['password']) ?? decoded(parsed?.password),
    database: textIn(credentials, ['database', 'dbname', 'name']) ?? decoded(parsed?.pathname.slice(1)),
  }
}

function textIn(credentials: Record<string, unknown>, names: readonly string[]): string | undefined {
  const value = names
    .map((name) => credentials[name])
    .find((each) => typeof each === 'string' || typeof each === 'number')
  return value === undefined || value === '' ? undefined : String(value)
}

function decoded(part: string | undefined): string | undefined {
  if (part === undefined || part === '') return undefined
  try {
    return decodeURIComponent(part)
  } catch {
    // It is no percent encoding, so it stands for itself.
    return part
  }
}

/** Whether the manager knows it as a service instance. */
export async function isRegistered(context: RegistrationContext, id: string): Promise<boolean> {
  return (await findInstance(context, id)) !== undefined
}

/**
 * Deletes an instance that does not exist any more, with the plans that back it up. Its restore points stay.
 *
 * @throws {RequestError} If a job still works on it.
 */
export async function deregisterProvisioned(context: RegistrationContext, id: string): Promise<void> {
  await inTransaction(context, async (tx) => {
    await lockAgentAssignments(tx)
    const instance = await findInstance(tx, id)
    if (instance === undefined) return
    const jobId = await findWorkingJob(tx, id)
    if (jobId !== undefined)
      throw new RequestError('conflict', `The job ${jobId} still works on the instance.`, { jobId })
    await deletePlans(tx, await lockPlansOfInstance(tx, id))
    await markInstanceDeleted(tx, id, await readClock(tx))
    for (const agentId of agentIdsOf(instance)) await deleteIfUnused(tx, agentId, id)
  })
}
