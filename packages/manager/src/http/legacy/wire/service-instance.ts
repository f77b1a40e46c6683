import { keepMaskedParameters, maskParameters } from '@osb-backup/core'
import { MASKED_SECRET, type ServiceInstanceRequest, type ServiceInstance as WireInstance } from '@osb-backup/protocol'
import { findHost, leadsElsewhere, type ServiceInstance } from '../../../instances/instance.ts'
import type { InstanceWithAgent } from '../../../lifecycle/save-instance.ts'
import { keptSecret } from './secret.ts'

/** An instance as clients read it: database credentials are left out, the agent's password is masked. */
export function instanceToWire(instance: ServiceInstance): WireInstance {
  return {
    service_instance_id: instance.id,
    service_id: instance.serviceId,
    plan_id: instance.planId,
    organization_guid: instance.organizationGuid,
    space_guid: instance.spaceGuid,
    parameters: maskParameters(instance.parameters, instance.secretParameters),
    secretParameters: instance.secretParameters.length === 0 ? undefined : [...instance.secretParameters],
    items: instance.items && [...instance.items],
    hosts: instance.hosts.map((host) => ({ ...host, port: host.port ?? 0, backup: host.backup ?? false })),
    agent: { url: instance.agent.url, username: instance.agent.username, password: MASKED_SECRET },
  }
}

/** Reads an instance as clients send it; a password that is absent or masked keeps the stored one. */
export function instanceFromWire(
  id: string,
  wire: ServiceInstanceRequest,
  stored: ServiceInstance | undefined,
): InstanceWithAgent {
  const isSameAgent = isSameOrigin(wire.agent.url, stored?.agent.url)
  const isMoved = stored === undefined || !isSameAgent || leadsElsewhere(wire.hosts, stored)
  const known = isMoved ? undefined : stored
  return {
    id,
    version: stored?.version ?? 0,
    serviceId: wire.service_id,
    planId: wire.plan_id,
    organizationGuid: wire.organization_guid,
    spaceGuid: wire.space_guid,
    parameters: keepMaskedParameters(wire.parameters ?? {}, known?.parameters ?? {}),
    secretParameters: wire.secretParameters ?? stored?.secretParameters ?? [],
    items: wire.items ?? stored?.items,
    pack: stored?.pack,
    // What these paths do not know stays, as far as it still makes sense.
    otherAgents: (stored?.otherAgents ?? []).filter(
      ({ hostName }) => hostName === undefined || findHost(wire.hosts, hostName) !== undefined,
    ),
    label: stored?.label,
    hosts: wire.hosts,
    database: {
      username: wire.username ?? stored?.database.username,
      password: keptSecret(wire.password, known?.database.password),
      backupUsername: wire.backupUsername ?? stored?.database.backupUsername,
      backupPassword: keptSecret(wire.backupPassword, known?.database.backupPassword),
    },
    agent: {
      url: wire.agent.url.replace(/\/+$/, ''),
      username: wire.agent.username,
      // A stored password is sent only where it was sent before: another URL may belong to an attacker.
      password: keptSecret(wire.agent.password, isSameAgent ? stored?.agent.password : undefined),
    },
  }
}

function isSameOrigin(url: string, other: string | undefined): boolean {
  return other !== undefined && new URL(url).origin === new URL(other).origin
}
