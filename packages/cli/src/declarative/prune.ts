import { ApiError, type BackupClient } from '@osb-backup/client'
import { isObject } from '../input/document.ts'
import { withIds } from './changes.ts'
import type { CurrentResource, CurrentState } from './current-state.ts'
import { type DesiredDocument, type DocumentKind, documentKinds } from './documents.ts'

/** What becomes of a resource that has the label and is not declared any more. */
export interface Pruning {
  action: 'delete' | 'keep'
  resource: CurrentResource
  /** Of one that is kept: what uses it, as `plan shop-db/nightly`. */
  usedBy?: string
}

type Settings = Readonly<Record<string, unknown>>

/**
 * Decides what is deleted of the resources that have a label: those that no document declares, unless something uses them
 * that is not deleted.
 *
 * @returns In the order in which they can be deleted: each before what it uses.
 */
export function pruningsOf(desired: readonly DesiredDocument[], state: CurrentState, label: string): Pruning[] {
  const declared = new Map(desired.map((document) => [`${document.kind} ${document.key}`, document]))
  const isUndeclared = ({ kind, key, settings }: CurrentResource) =>
    settings.label === label && !declared.has(`${kind} ${key}`)
  /** What is used, by what uses it. */
  const usedBy = new Map<string, string>()
  const addUser = (kind: DocumentKind, key: string, settings: Settings) => {
    for (const used of usesOf(kind, settings)) if (!usedBy.has(used)) usedBy.set(used, `${kind} ${key}`)
  }
  for (const resource of allOf(state)) {
    if (isUndeclared(resource)) continue
    const { kind, key, settings } = resource
    const document = declared.get(`${kind} ${key}`)
    addUser(kind, key, document === undefined ? settings : { ...settings, ...withIds(document, state) })
  }
  // What does not exist yet.
  for (const document of desired) addUser(document.kind, document.key, withIds(document, state))

  return [...allOf(state)].filter(isUndeclared).map((resource) => {
    const { kind, id, key, settings } = resource
    const user = usedBy.get(`${kind} ${id}`)
    if (user === undefined) return { action: 'delete', resource }
    addUser(kind, key, settings)
    return { action: 'keep', resource, usedBy: user }
  })
}

/** Each before what it uses. */
function* allOf(state: CurrentState): Generator<CurrentResource> {
  for (const kind of documentKinds.toReversed()) yield* state.ofKind(kind)
}

/** The resources that one uses, as kind and id. */
function usesOf(kind: DocumentKind, settings: Settings): string[] {
  const { instanceId, destinationId, transport } = settings
  switch (kind) {
    case 'agent':
    case 'policy':
      return []
    case 'instance':
      return agentIdsOf(settings).map((id) => `agent ${id}`)
    case 'destination':
      return [`instance ${instanceId}`]
    case 'plan':
      return [`instance ${instanceId}`, `destination ${destinationId}`]
    case 'channel':
      return isObject(transport) && transport.planId !== undefined ? [`plan ${transport.planId}`] : []
  }
}

/** The ids of the agents that an instance uses. */
export function agentIdsOf({ agentId, otherAgents }: Settings): unknown[] {
  return [agentId, ...(Array.isArray(otherAgents) ? otherAgents.map((other) => other.agentId) : [])]
}

/** What stays when a resource is deleted, as a clause; empty if nothing does. */
export async function remainsOf(client: BackupClient, { kind, id }: CurrentResource): Promise<string> {
  switch (kind) {
    case 'destination':
      return 'what is stored in it stays'
    case 'policy':
      return 'its plans and restore points stay'
    case 'instance':
    case 'plan': {
      const { items } = await client.restorePoints.list({ [kind]: id, limit: 1 })
      return items.length > 0 ? 'its restore points stay' : ''
    }
    default:
      return ''
  }
}

/**
 * Deletes a resource as `delete` does: stored objects are kept.
 *
 * @returns False if it was deleted already, or has not the label any more.
 */
export async function deleteLabelled(
  client: BackupClient,
  { kind, id }: CurrentResource,
  label: string,
): Promise<boolean> {
  const calls = callsOf(client, kind)
  try {
    if ((await calls.get(id)).label !== label) return false
    await calls.delete(id)
    return true
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false
    throw error
  }
}

interface Calls {
  get(id: string): Promise<{ label?: string | undefined }>
  delete(id: string): Promise<void>
}

function callsOf(client: BackupClient, kind: DocumentKind): Calls {
  switch (kind) {
    case 'agent':
      return client.agents
    case 'instance':
      return client.instances
    case 'destination':
      return client.destinations
    case 'plan':
      return { get: (id) => client.plans.get(id), delete: (id) => client.plans.delete(id, { files: 'keep' }) }
    case 'policy':
      return { get: (id) => client.policies.get(id), delete: (id) => client.policies.delete(id, { plans: 'keep' }) }
    case 'channel':
      return client.notificationChannels
  }
}
