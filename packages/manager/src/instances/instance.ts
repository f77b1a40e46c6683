import type { Host } from '@osb-backup/protocol'
import { RequestError } from '../shared/request-error.ts'

/** A database (queue, …) that a broker provisioned, with what is needed to back it up. */
export interface ServiceInstance {
  id: string
  /** Incremented by every change; 0 before it is stored. */
  version: number
  serviceId: string | undefined
  planId: string | undefined
  organizationGuid: string | undefined
  spaceGuid: string | undefined
  /** Passed to every script; only flat values reach it. */
  parameters: Record<string, unknown>
  /** Names of parameters that are secret, besides those that are named like secrets. */
  secretParameters: readonly string[]
  /** What may be backed up and restored into: names, or patterns with `*`. Undefined: nothing was declared. */
  items: readonly string[] | undefined
  /** The script pack that backs it up, where its agent has several. */
  pack: string | undefined
  /** By which it is managed together with others; undefined: it is not. */
  label?: string | undefined
  /** Drills may restore into it, and nothing is backed up. */
  drillTarget?: boolean | undefined
  hosts: Host[]
  database: {
    username: string | undefined
    password: string | undefined
    /** A second, privileged account, for scripts that need one. */
    backupUsername: string | undefined
    backupPassword: string | undefined
  }
  agent: InstanceAgent
  /** Of a cluster: the agents on its other nodes, in the order of preference. */
  otherAgents: readonly OtherAgent[]
  createdAt: Date
}

/** The agent beside the database of an instance; other instances may share it. */
export interface InstanceAgent {
  id: string
  url: string
  username: string
  password: string | undefined
}

/** An agent on another node of a cluster. */
export interface OtherAgent {
  agentId: string
  /** The name or address of the host that it works on; undefined: the one that dumps are taken from. */
  hostName: string | undefined
}

/** Where an agent works on an instance. */
export interface AgentPlace {
  agentId: string
  host: string
  /** 0: none is known. */
  port: number
}

/** The host of a name, or else of an address. */
export function findHost(hosts: readonly Host[], named: string): Host | undefined {
  return hosts.find(({ name }) => name === named) ?? hosts.find(({ ip }) => ip === named)
}

/** Every agent of an instance with the host that it works on, in the order of preference. */
export function agentPlaces(instance: {
  agent: Pick<InstanceAgent, 'id'>
  otherAgents: ServiceInstance['otherAgents']
  hosts: ServiceInstance['hosts']
}): AgentPlace[] {
  const { agent, otherAgents, hosts } = instance
  const main = backupHost(hosts)
  const place = (agentId: string, { ip, port }: Host) => ({ agentId, host: ip, port: port ?? 0 })
  const others = otherAgents.map(({ agentId, hostName }) => {
    const host = hostName === undefined ? main : findHost(hosts, hostName)
    if (host !== undefined) return place(agentId, host)
    const message = `The instance has no host of the name or address ${JSON.stringify(hostName)}.`
    throw new RequestError('invalid', message, { field: 'otherAgents' })
  })
  return [place(agent.id, main), ...others]
}

/**
 * The host that dumps are taken from: the one marked `backup`, or the only one.
 *
 * @throws {RequestError} If there are several hosts, and none or more than one is marked.
 */
export function backupHost(hosts: readonly Host[]): Host {
  const marked = hosts.filter((host) => host.backup === true)
  const [host, ...others] = marked.length > 0 ? marked : hosts
  if (host === undefined || others.length > 0) {
    throw new RequestError('invalid', 'Mark exactly one host with "backup": true: dumps are taken from it.', {
      field: 'hosts',
    })
  }
  return host
}

/**
 * Whether an instance that is described anew reaches another server than before. Its stored passwords are sent only where they
 * were sent before: anyone who may change the address of an instance need not know them.
 */
export function leadsElsewhere(hosts: readonly Host[], stored: Pick<ServiceInstance, 'hosts'>): boolean {
  const address = ({ ip, port }: Host) => `${ip.toLowerCase()} ${port ?? 0}`
  const known = new Set(stored.hosts.map(address))
  return hosts.some((host) => !known.has(address(host)))
}
