import { isIPv4, isIPv6 } from 'node:net'
import type { Host, SentServiceInstance } from '@osb-backup/protocol'
import { addressRule } from '@osb-backup/storage'
import type { Call } from '../access/call.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context } from '../context/context.ts'
import { instanceIdsAtHosts } from '../instances/ids-repository.ts'
import { backupHost } from '../instances/instance.ts'
import { findBrokerOf } from '../instances/repository.ts'
import { isServerShared } from '../items/service.ts'
import {
  authorizeRegistration,
  type InstanceWithAgent,
  registrarOf,
  storeInstanceWithAgent,
} from '../lifecycle/save-instance.ts'
import { networkMatcher } from '../shared/networks.ts'
import { RequestError } from '../shared/request-error.ts'
import { includesRole } from '../shared/role.ts'
import { agentUrlOf } from './import-instances.ts'

const FIELD = 'serviceInstance.hosts'

/**
 * Registers an instance that a client of the former manager sends along, if there never was one of its id, the caller may register it,
 * and the operator allows its hosts. Its agent is expected at `LEGACY_AGENT_URL`. In every other case nothing happens, and the request
 * itself is refused for an instance that does not exist. An instance that was deregistered stays so: clients send what they read long ago.
 *
 * @param sent - Undefined: the request names no instance.
 * @throws {RequestError} If its hosts are not allowed, or it would share its database server with other instances.
 */
export async function registerSentInstance(
  context: Context,
  call: Call,
  sent: SentServiceInstance | undefined,
): Promise<void> {
  const { legacyRegistrationNetworks: networks } = context.settings
  if (networks.length === 0 || !sent?.hosts?.length || !(await mayRegister(call, sent.service_instance_id))) return
  const { service_instance_id: id, hosts } = sent
  if ((await findBrokerOf(context, id)) !== undefined) return
  requireAllowedHosts(hosts, networks)
  const instance = toInstance(context, sent, hosts)
  await inAuditedTransaction(context, callThatRegisters(call, id), async (tx) => {
    await authorizeRegistration(tx, call, id)
    await requireOwnHosts(tx, call, hosts)
    const stored = await storeInstanceWithAgent(tx, instance, 'new', registrarOf(call))
    if (!(await isServerShared(tx, stored))) return
    // Nothing is known of its items, and it would stop the backups of the others.
    const message = `The service instance ${JSON.stringify(id)} shares its database server with others: an admin or its broker must register it with its items.`
    throw new RequestError('item-not-granted', message, { field: FIELD })
  }).catch(async (error: unknown) => {
    // Another client sent it at the same time.
    const isRegistered = error instanceof RequestError && error.code === 'changed'
    if (!isRegistered) throw error
  })
}

/** Whether the caller has the role to register this instance; one that has not is told nothing of it. */
async function mayRegister({ caller, use }: Call, id: string): Promise<boolean> {
  if (caller.onlyDeprovisions) return false
  return caller.role === 'broker' || (includesRole(caller.role, 'admin') && (await caller.isGranted(id, use)))
}

/** The audit log records the registration apart from the request that caused it. */
function callThatRegisters(call: Call, id: string): Call {
  const path = `/serviceInstances/${encodeURIComponent(id)}`
  const audit = { action: 'PUT /serviceInstances/:id', path, status: 201, instanceId: id, isRecorded: false }
  return { ...call, audit: { ...call.audit, ...audit } }
}

/** The password of the agents is sent to the host, so it must be where the operator expects agents. */
function requireAllowedHosts(hosts: readonly Host[], networks: readonly string[]): void {
  const isAllowed = networkMatcher(networks)
  const mayBeHost = addressRule('allow')
  const foreign = hosts.find(({ ip }) => !isCanonical(ip) || !isAllowed(ip) || !mayBeHost(ip))
  if (foreign === undefined) return
  const message = `The host ${JSON.stringify(foreign.ip)} is not a plain IP address in the networks of LEGACY_REGISTRATION_NETWORKS.`
  throw new RequestError('invalid', message, { field: FIELD })
}

/** Whether an address has the one form that it is compared in. The URL parser knows every way to write one. */
const isCanonical = (ip: string): boolean =>
  isIPv4(ip) || (isIPv6(ip) && !ip.includes('%') && new URL(`http://[${ip}]`).hostname === `[${ip}]`)

/** @throws {RequestError} If a host is one of an instance that the caller was not granted. */
async function requireOwnHosts(tx: Pick<Context, 'database'>, call: Call, hosts: readonly Host[]): Promise<void> {
  if ((await call.caller.grants()) === 'all') return
  const ips = hosts.map(({ ip }) => ip)
  for (const id of await instanceIdsAtHosts(tx, ips)) {
    if (await call.caller.isGranted(id, 'change')) continue
    const message = 'One of the hosts belongs to a service instance that you were not granted.'
    throw new RequestError('invalid', message, { field: FIELD })
  }
}

function toInstance(
  { settings }: Pick<Context, 'settings'>,
  sent: SentServiceInstance,
  hosts: Host[],
): InstanceWithAgent {
  const { ip } = backupHost(hosts)
  return {
    id: sent.service_instance_id,
    version: 0,
    serviceId: sent.service_id,
    planId: sent.plan_id,
    organizationGuid: sent.organization_guid,
    spaceGuid: sent.space_guid,
    parameters: sent.parameters ?? {},
    secretParameters: [],
    items: undefined,
    pack: undefined,
    otherAgents: [],
    hosts,
    database: { username: undefined, password: undefined, backupUsername: undefined, backupPassword: undefined },
    agent: {
      url: agentUrlOf(settings.legacyAgentUrl, ip),
      username: settings.legacyAgentUsername ?? 'backup',
      password: settings.legacyAgentPassword,
    },
  }
}
