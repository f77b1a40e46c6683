import { earliestProof, keepMaskedParameters, maskParameters, protectionOf, splitParameters } from '@osb-backup/core'
import { type Instance, type InstanceSettings, type ItemList, instanceSettingsSchema } from '@osb-backup/protocol/v1'
import type { Deregistration } from '../../deregistrations/deregistration.ts'
import type { GrantedItems } from '../../execution/list-items.ts'
import { leadsElsewhere, type ServiceInstance } from '../../instances/instance.ts'
import { agentIdsOf, type NewInstance } from '../../lifecycle/save-instance.ts'
import { type ProtectedInstance, type ProtectedItem, provenItem } from '../../protection/service.ts'
import { patched } from './edits.ts'
import { itemToWire, protectionToWire } from './protection.ts'

export const deregistrationToWire = (deregistration: Deregistration): Instance['deregistration'] => ({
  state: deregistration.state,
  reason: deregistration.reason,
  lastBackup: deregistration.lastBackup,
  keepFilesDays: deregistration.keepFilesDays,
  requestedAt: deregistration.requestedAt.toISOString(),
})

/** An instance in an answer. */
export function toWire({ instance, items, protection, lockedSince }: ProtectedInstance): Instance {
  const { username, password, backupUsername, backupPassword } = instance.database
  return {
    id: instance.id,
    hosts: instance.hosts.map(({ name, ip, port, backup = false }) => ({ name, address: ip, port, backup })),
    agentId: instance.agent.id,
    ...otherAgentsToWire(instance),
    database: {
      username,
      passwordSet: password !== undefined,
      privilegedUsername: backupUsername,
      privilegedPasswordSet: backupPassword !== undefined,
    },
    items: instance.items && [...instance.items],
    pack: instance.pack,
    label: instance.label,
    drillTarget: instance.drillTarget ?? false,
    ...brokerFields(instance),
    parameters: maskParameters(instance.parameters, instance.secretParameters),
    protection: protectionToWire(protection),
    lockedSince: lockedSince?.toISOString(),
    lastProvenRestorableAt: earliestProof(items.map(provenItem))?.toISOString(),
    createdAt: instance.createdAt.toISOString(),
  }
}

/** What a merge patch makes of an instance. Its passwords and secret parameters stay, unless they would be sent elsewhere. */
export function editedInstance(stored: ServiceInstance, patch: unknown): Omit<NewInstance, 'id'> {
  const settings = patched(instanceSettingsSchema, settingsOf(stored), patch)
  const known = agentIdsOf(stored)
  const used = [settings.agentId, ...(settings.otherAgents ?? []).map(({ agentId }) => agentId)]
  const isMoved = used.some((id) => !known.includes(id)) || leadsElsewhere(hostsFromWire(settings), stored)
  if (!isMoved) return fromWire(settings, stored.parameters)
  const { open } = splitParameters(stored.parameters, stored.secretParameters)
  const database = { ...stored.database, password: undefined, backupPassword: undefined }
  return fromWire(patched(instanceSettingsSchema, settingsOf({ ...stored, parameters: open, database }), patch))
}

/** An instance as a client would send it, with its secrets. */
function settingsOf(instance: ServiceInstance): InstanceSettings {
  const { username, password, backupUsername, backupPassword } = instance.database
  return {
    hosts: instance.hosts.map(({ name, ip, port, backup }) => ({ name, address: ip, port, backup })),
    agentId: instance.agent.id,
    ...otherAgentsToWire(instance),
    database: { username, password, privilegedUsername: backupUsername, privilegedPassword: backupPassword },
    items: instance.items && [...instance.items],
    pack: instance.pack,
    label: instance.label,
    drillTarget: instance.drillTarget ?? false,
    ...brokerFields(instance),
  }
}

function brokerFields(instance: ServiceInstance) {
  const { serviceId, planId: servicePlanId, organizationGuid, spaceGuid, parameters, secretParameters } = instance
  const declared = secretParameters.length === 0 ? undefined : [...secretParameters]
  return { serviceId, servicePlanId, organizationGuid, spaceGuid, parameters, secretParameters: declared }
}

/** @param known - The stored parameters, for those that come back masked. */
export function fromWire(
  settings: InstanceSettings,
  known: ServiceInstance['parameters'] = {},
): Omit<NewInstance, 'id'> {
  const { database = {} } = settings
  return {
    serviceId: settings.serviceId,
    planId: settings.servicePlanId,
    organizationGuid: settings.organizationGuid,
    spaceGuid: settings.spaceGuid,
    parameters: keepMaskedParameters(settings.parameters ?? {}, known),
    secretParameters: settings.secretParameters ?? [],
    items: settings.items,
    pack: settings.pack,
    label: settings.label,
    drillTarget: settings.drillTarget ?? false,
    hosts: hostsFromWire(settings),
    database: {
      username: database.username,
      password: database.password,
      backupUsername: database.privilegedUsername,
      backupPassword: database.privilegedPassword,
    },
    agentId: settings.agentId,
    otherAgents: (settings.otherAgents ?? []).map(({ agentId, host: hostName }) => ({ agentId, hostName })),
  }
}

function otherAgentsToWire({ otherAgents }: ServiceInstance): Pick<InstanceSettings, 'otherAgents'> {
  if (otherAgents.length === 0) return {}
  return { otherAgents: otherAgents.map(({ agentId, hostName: host }) => ({ agentId, host })) }
}

const hostsFromWire = ({ hosts }: InstanceSettings) =>
  hosts.map(({ name, address, port, backup }) => ({ name, ip: address, port, backup }))

/** What is listed and not known yet is covered by no plan, and has no restore points. */
export function itemListToWire(known: readonly ProtectedItem[], listed: GrantedItems): ItemList {
  if (!listed.ok) return { items: known.map((item) => itemToWire(item)), listError: listed.error }
  const names = new Set(listed.value)
  const items = known.map((item) => itemToWire(item, names.has(item.name)))
  for (const { name } of known) names.delete(name)
  const protection = protectionToWire(protectionOf({ plans: [], points: [] }, new Date(0)))
  const unknown = [...names].map((name) => ({ name, listed: true, planIds: [], protection, restorePointCount: 0 }))
  return { items: [...items, ...unknown].toSorted((one, other) => (one.name < other.name ? -1 : 1)) }
}
