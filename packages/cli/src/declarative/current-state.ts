import type { BackupClient } from '@osb-backup/client'
import {
  agentCreateSchema,
  channelCreateSchema,
  destinationCreateSchema,
  instanceCreateSchema,
  planCreateSchema,
  policyCreateSchema,
} from '@osb-backup/protocol/v1'
import { CliError, exitCodes } from '../exit-code.ts'
import { isObject } from '../input/document.ts'
import { nearest } from '../input/nearest.ts'
import { writableOf } from '../resources/editable.ts'
import type { DesiredDocument, DocumentKind } from './documents.ts'

const PAGE_SIZE = 500

/** A resource as the manager has it. */
export interface CurrentResource {
  kind: DocumentKind
  id: string
  key: string
  /** What can be written, without secrets, with other resources named by id. */
  settings: Record<string, unknown>
  /** The whole answer: it says which secrets are set. */
  answer: object
}

/** What the manager has, by kind and key. */
export class CurrentState {
  readonly #byKey = new Map<string, CurrentResource>()
  readonly #byId = new Map<string, CurrentResource>()
  readonly #ambiguous = new Set<string>()

  add(resource: CurrentResource): void {
    const key = `${resource.kind} ${resource.key}`
    if (this.#byKey.has(key)) this.#ambiguous.add(key)
    this.#byKey.set(key, resource)
    this.#byId.set(`${resource.kind} ${resource.id}`, resource)
  }

  /** @throws {CliError} If several have the name. */
  find(kind: DocumentKind, key: string): CurrentResource | undefined {
    if (this.#ambiguous.has(`${kind} ${key}`)) {
      throw new CliError(`Several resources of the kind ${kind} are named "${key}".`, {
        hint: `Rename all but one of them with "osb-backup ${kind} edit ID".`,
      })
    }
    return this.#byKey.get(`${kind} ${key}`)
  }

  /** By its key, or by its id. */
  resolve(kind: DocumentKind, text: string): CurrentResource | undefined {
    return this.find(kind, text) ?? this.#byId.get(`${kind} ${text}`)
  }

  *ofKind(kind: DocumentKind): Generator<CurrentResource> {
    for (const resource of this.#byId.values()) if (resource.kind === kind) yield resource
  }

  /** @throws {CliError} If there is none; with the nearest match. */
  require(kind: DocumentKind, text: string, source: string): CurrentResource {
    const found = this.resolve(kind, text)
    if (found !== undefined) return found
    const names = [...this.ofKind(kind)].map(({ key }) => key)
    throw new CliError(`${source}: there is no ${kind} "${text}".${nearest(text, names)}`, {
      exitCode: exitCodes.notFound,
    })
  }
}

/** What is read. */
export interface ReadOptions {
  /** Only what belongs to these instances; all by default. */
  instances?: ReadonlySet<string> | undefined
  /** Whether channels are read, which only admins of all instances may. */
  channels: boolean
  /** Whether policies are read; those whose selector the caller may not see are left out. */
  policies: boolean
}

/** Reads what the manager has. */
export async function readCurrent(
  client: BackupClient,
  { instances, channels, policies }: ReadOptions,
): Promise<CurrentState> {
  const state = new CurrentState()
  const isWanted = (id: string) => instances === undefined || instances.has(id)
  for await (const agent of client.agents.iterate({ limit: PAGE_SIZE })) {
    const key = agent.name ?? agent.id
    // A document names an agent that has no name by its id.
    const settings = { ...settingsOf(agent, agentCreateSchema), name: key }
    state.add({ kind: 'agent', id: agent.id, key, settings, answer: agent })
  }
  for await (const instance of client.instances.iterate({ limit: PAGE_SIZE })) {
    if (!isWanted(instance.id)) continue
    const settings = settingsOf(instance, instanceCreateSchema)
    state.add({ kind: 'instance', id: instance.id, key: instance.id, settings, answer: instance })
  }
  for await (const destination of client.destinations.iterate({ limit: PAGE_SIZE })) {
    if (!isWanted(destination.instanceId)) continue
    const key = `${destination.instanceId}/${destination.name}`
    const settings = settingsOf(destination, destinationCreateSchema)
    state.add({ kind: 'destination', id: destination.id, key, settings, answer: destination })
  }
  for await (const plan of client.plans.iterate({ limit: PAGE_SIZE })) {
    if (!isWanted(plan.instanceId)) continue
    const key = `${plan.instanceId}/${plan.name}`
    state.add({ kind: 'plan', id: plan.id, key, settings: settingsOf(plan, planCreateSchema), answer: plan })
  }
  if (policies) {
    for await (const policy of client.policies.iterate({ limit: PAGE_SIZE })) {
      if (policy.selector === undefined) continue
      const settings = settingsOf(policy, policyCreateSchema)
      state.add({ kind: 'policy', id: policy.id, key: policy.name, settings, answer: policy })
    }
  }
  if (!channels) return state
  for await (const channel of client.notificationChannels.iterate({ limit: PAGE_SIZE })) {
    const settings = settingsOf(channel, channelCreateSchema)
    state.add({ kind: 'channel', id: channel.id, key: channel.name, settings, answer: channel })
  }
  return state
}

const settingsOf = (answer: object, schema: Parameters<typeof writableOf>[1]) =>
  writableOf(answer, schema) as Record<string, unknown>

/** What has to be read to compare documents with it. */
export function neededFor(desired: readonly DesiredDocument[]): ReadOptions {
  const channels = desired.filter(({ kind }) => kind === 'channel')
  const plans = channels.flatMap(({ fields: { transport } }) =>
    isObject(transport) && transport.plan !== undefined ? [String(transport.plan)] : [],
  )
  const named = desired.flatMap(({ kind, fields }) =>
    kind === 'agent' || kind === 'channel' || kind === 'policy'
      ? []
      : [String(kind === 'instance' ? fields.id : fields.instance)],
  )
  // The id of a plan does not say to which instance it belongs.
  const instances = plans.every((plan) => plan.includes('/'))
    ? new Set([...named, ...plans.map((plan) => plan.slice(0, plan.indexOf('/')))])
    : undefined
  return { instances, channels: channels.length > 0, policies: desired.some(({ kind }) => kind === 'policy') }
}
