import { inAuditedTransaction } from '../audit/service.ts'
import { backupHost } from '../instances/instance.ts'
import { findInstance } from '../instances/service.ts'
import { type InstanceWithAgent, storeInstanceWithAgent } from '../lifecycle/save-instance.ts'
import type { ManagerSettings } from '../settings/settings.ts'
import { RequestError } from '../shared/request-error.ts'
import type { Import } from './import-context.ts'
import type { OldCredential, OldInstance } from './old-documents.ts'

/** The user of the database, and the one of the agent, by the names that the brokers give them. */
const CREDENTIAL_NAMES = {
  database: /[-_./:]+backup[-_]?credentials?$/i,
  agent: /[-_./:]+backup[-_]?agent[-_]?credentials?$/i,
}

/** Imports a service instance, with its agent. One that is registered already stays as it is. */
export async function importInstance(
  running: Import,
  old: OldInstance,
  credentials: readonly OldCredential[],
): Promise<void> {
  const { context, call, apply, report, instances } = running
  const id = old._id
  if ((await findInstance(context, id)) !== undefined) {
    instances.set(id, { id })
    return report.add('service instance', id, 'unchanged')
  }
  try {
    const instance = toInstance(running, old, credentials)
    if (apply) await inAuditedTransaction(context, call, (tx) => storeInstanceWithAgent(tx, instance, undefined))
    instances.set(id, { id })
    report.add('service instance', id, 'imported', missingParts(instance, context.settings))
  } catch (error) {
    if (!(error instanceof RequestError)) throw error
    report.add('service instance', id, 'skipped', error.message)
  }
}

function toInstance(
  { context: { settings } }: Import,
  old: OldInstance,
  credentials: readonly OldCredential[],
): InstanceWithAgent {
  const { ip } = backupHost(old.hosts)
  const database = credentials.find(({ _id: name }) => isNamedFor(name, old._id, CREDENTIAL_NAMES.database))
  const agent = credentials.find(({ _id: name }) => isNamedFor(name, old._id, CREDENTIAL_NAMES.agent))
  return {
    id: old._id,
    version: 0,
    serviceId: old.serviceDefinitionId,
    planId: old.planId,
    organizationGuid: old.organizationGuid,
    spaceGuid: old.spaceGuid,
    parameters: old.parameters ?? {},
    secretParameters: [],
    items: undefined,
    pack: undefined,
    otherAgents: [],
    hosts: old.hosts,
    database: {
      username: database?.username ?? old.username,
      password: database?.password ?? old.password,
      backupUsername: undefined,
      backupPassword: undefined,
    },
    agent: {
      url: agentUrlOf(settings.legacyAgentUrl, ip),
      // The old manager signed in to agents with the credentials of the instance.
      username: agent?.username ?? settings.legacyAgentUsername ?? 'backup',
      password: agent?.password ?? settings.legacyAgentPassword,
    },
  }
}

/** Whether what precedes the ending of a name is the id of an instance, perhaps at the end of a path. */
function isNamedFor(name: string, instanceId: string, ending: RegExp): boolean {
  const start = name.search(ending)
  return start !== -1 && `/${name.slice(0, start)}`.endsWith(`/${instanceId}`)
}

/** Where the agent beside a host listens. */
export function agentUrlOf(template: string, ip: string): string {
  const url = template.replace('{backupHostIp}', ip.includes(':') ? `[${ip}]` : ip)
  if (URL.canParse(url)) return url.replace(/\/+$/, '')
  throw new RequestError('invalid', `${JSON.stringify(ip)} is no address of a host.`, { field: 'hosts' })
}

function missingParts({ database, agent }: InstanceWithAgent, { credHub }: ManagerSettings): string[] {
  return [
    ...(agent.password === undefined ? ['its agent has no password: set it before the first job'] : []),
    ...(database.password === undefined && credHub === undefined
      ? ['it has no credentials of the database: set them before the first job']
      : []),
  ]
}
