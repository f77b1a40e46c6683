import type { BackupClient } from '@osb-backup/client'
import {
  agentCreateSchema,
  destinationCreateSchema,
  instanceCreateSchema,
  planCreateSchema,
} from '@osb-backup/protocol/v1'
import { CliError, exitCodes } from '../exit-code.ts'
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

  add(resource: CurrentResource): void {
    this.#byKey.set(`${resource.kind} ${resource.key}`, resource)
    this.#byId.set(`${resource.kind} ${resource.id}`, resource)
  }

  find(kind: DocumentKind, key: string): CurrentResource | undefined {
    return this.#byKey.get(`${kind} ${key}`)
  }

  /** By its key, or by its id. */
  resolve(kind: DocumentKind, text: string): CurrentResource | undefined {
    return this.find(kind, text) ?? this.#byId.get(`${kind} ${text}`)
  }

  *ofKind(kind: DocumentKind): Generator<CurrentResource> {
    for (const resource of this.#byKey.values()) if (resource.kind === kind) yield resource
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

/**
 * Reads what the manager has.
 *
 * @param instances - Only what belongs to these; all by default.
 */
export async function readCurrent(client: BackupClient, instances?: ReadonlySet<string>): Promise<CurrentState> {
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
  return state
}

const settingsOf = (answer: object, schema: Parameters<typeof writableOf>[1]) =>
  writableOf(answer, schema) as Record<string, unknown>

/** The instances that documents concern. */
export function instancesOf(desired: readonly DesiredDocument[]): Set<string> {
  return new Set(
    desired.flatMap(({ kind, fields }) =>
      kind === 'agent' ? [] : [String(kind === 'instance' ? fields.id : fields.instance)],
    ),
  )
}
