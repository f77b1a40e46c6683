import { MASKED_SECRET } from '@osb-backup/protocol'
import { isObject } from '../input/document.ts'
import { isSecretField } from '../resources/secret-fields.ts'
import type { CurrentResource, CurrentState } from './current-state.ts'
import { documentKinds } from './documents.ts'
import { agentIdsOf } from './prune.ts'

/**
 * Describes resources as documents.
 *
 * @param onlyUsedAgents - Whether agents that no instance names are left out.
 */
export function exportDocuments(state: CurrentState, onlyUsedAgents: boolean): object[] {
  const used = new Set([...state.ofKind('instance')].flatMap(({ settings }) => agentIdsOf(settings)))
  return documentKinds.flatMap((kind) =>
    [...state.ofKind(kind)]
      .filter(({ id }) => kind !== 'agent' || !onlyUsedAgents || used.has(id))
      // Its policy describes it.
      .filter(({ answer }) => !('managedBy' in answer && answer.managedBy !== undefined))
      .map((resource) => ({ kind, ...named(resource, state), ...withReferences(resource, state) })),
  )
}

/** The fields that name other resources. */
function named({ kind, key, settings }: CurrentResource, state: CurrentState): Record<string, unknown> {
  const instance = key.split('/')[0]
  switch (kind) {
    case 'agent':
    case 'channel':
    case 'policy':
      return { name: key }
    case 'instance':
      return { id: key, agent: state.resolve('agent', String(settings.agentId))?.key ?? settings.agentId }
    case 'destination':
      return { instance }
    case 'plan': {
      const destination = state.resolve('destination', String(settings.destinationId))
      return { instance, destination: destination?.key.slice((instance?.length ?? 0) + 1) ?? settings.destinationId }
    }
  }
}

function withReferences(
  { kind, key, settings, answer }: CurrentResource,
  state: CurrentState,
): Record<string, unknown> {
  const { agentId: _, instanceId: __, destinationId: ___, ...fields } = settings
  if (kind === 'instance' && Array.isArray(fields.otherAgents)) {
    fields.otherAgents = fields.otherAgents.map(({ agentId, ...place }) => ({
      agent: state.resolve('agent', String(agentId))?.key ?? agentId,
      ...place,
    }))
  }
  if (isObject(fields.transport) && fields.transport.planId !== undefined) {
    const { planId, ...transport } = fields.transport
    fields.transport = { ...transport, plan: state.resolve('plan', String(planId))?.key ?? planId }
  }
  return { ...fields, ...secretReferences(answer, fields, [kind, key]) }
}

/** For each secret that is set, the name of a variable that is to contain it. */
function secretReferences(
  answer: unknown,
  fields: Readonly<Record<string, unknown>>,
  path: readonly string[],
): Record<string, unknown> {
  if (!isObject(answer)) return {}
  const result: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(answer)) {
    const secret = name.endsWith('Set') ? name.slice(0, -'Set'.length) : undefined
    if (secret !== undefined && value === true && isSecretField(secret, answer)) {
      result[secret] = { fromEnv: variableOf([...path, secret]) }
    }
    if (value === MASKED_SECRET) result[name] = { fromEnv: variableOf([...path, name]) }
    const inner = fields[name]
    if (isObject(value) && isObject(inner)) {
      const found = secretReferences(value, inner, [...path, name])
      if (Object.keys(found).length > 0) result[name] = { ...inner, ...found }
    }
  }
  return result
}

/** `agent`, `db-1`, `password` → `AGENT_DB_1_PASSWORD`. */
function variableOf(path: readonly string[]): string {
  const words = path.join('_').replace(/\W+/g, '_')
  return words.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase()
}
