import type { BackupClient } from '@osb-backup/client'
import type {
  AgentCreate,
  ChannelCreate,
  DestinationCreate,
  InstanceCreate,
  PlanCreate,
  PolicyCreate,
} from '@osb-backup/protocol/v1'
import { newIdempotencyKey } from '../idempotency-key.ts'
import { isObject, resolveReferences } from '../input/document.ts'
import type { Io } from '../io.ts'
import { type Change, withIds } from './changes.ts'
import type { CurrentState } from './current-state.ts'
import type { DesiredDocument } from './documents.ts'

/** Applies one change. What was created can be named by the changes after it. */
export async function applyChange(io: Io, client: BackupClient, state: CurrentState, change: Change): Promise<void> {
  const { action, document, current, patch } = change
  requireNamed(document, state)
  if (action === 'create') {
    const request = await resolveReferences(io, withoutNulls(withIds(document, state)))
    const id = await create(client, document, request as never)
    state.add({ kind: document.kind, id, key: document.key, settings: {}, answer: {} })
  } else if (action === 'update' && current !== undefined) {
    const named = withIds({ ...document, fields: { instance: document.fields.instance, ...patch } }, state)
    const { instanceId: _, ...request } = named
    await update(client, document.kind, current.id, await resolveReferences(io, request))
  }
}

/** What does not exist yet has nothing to remove. */
function withoutNulls(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const present = Object.entries(value).filter(([, each]) => each !== null)
  return Object.fromEntries(present.map(([name, each]) => [name, isObject(each) ? withoutNulls(each) : each]))
}

/** @throws {CliError} If a document names a resource that does not exist. */
function requireNamed({ kind, fields, source }: DesiredDocument, state: CurrentState): void {
  if (kind === 'instance') {
    state.require('agent', String(fields.agent), source)
    const others = Array.isArray(fields.otherAgents) ? fields.otherAgents : []
    for (const { agent } of others) state.require('agent', String(agent), source)
  }
  if (kind === 'destination' || kind === 'plan') state.require('instance', String(fields.instance), source)
  if (kind === 'plan' && state.resolve('destination', `${fields.instance}/${fields.destination}`) === undefined) {
    state.require('destination', String(fields.destination), source)
  }
  if (kind === 'channel' && isObject(fields.transport) && fields.transport.plan !== undefined) {
    state.require('plan', String(fields.transport.plan), source)
  }
}

async function create(client: BackupClient, { kind }: DesiredDocument, request: never): Promise<string> {
  const options = { idempotencyKey: newIdempotencyKey() }
  switch (kind) {
    case 'agent':
      return (await client.agents.create(request as AgentCreate, options)).id
    case 'instance':
      return (await client.instances.create(request as InstanceCreate, options)).id
    case 'destination':
      return (await client.destinations.create(request as DestinationCreate, options)).id
    case 'plan':
      return (await client.plans.create(request as PlanCreate, options)).id
    case 'policy':
      return (await client.policies.create(request as PolicyCreate, options)).id
    case 'channel':
      return (await client.notificationChannels.create(request as ChannelCreate, options)).id
  }
}

async function update(client: BackupClient, kind: DesiredDocument['kind'], id: string, patch: unknown): Promise<void> {
  switch (kind) {
    case 'agent':
      await client.agents.update(id, patch as object)
      return
    case 'instance': {
      const { id: _, ...settings } = patch as { id?: string }
      await client.instances.update(id, settings)
      return
    }
    case 'destination':
      await client.destinations.update(id, patch as object)
      return
    case 'plan':
      await client.plans.update(id, patch as object)
      return
    case 'policy':
      await client.policies.update(id, patch as object)
      return
    case 'channel':
      await client.notificationChannels.update(id, patch as object)
  }
}
