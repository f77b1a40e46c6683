import { isDeepStrictEqual } from 'node:util'
import { isSecretName, MASKED_SECRET } from '@osb-backup/protocol'
import { createTwoFilesPatch } from 'diff'
import { isObject } from '../input/document.ts'
import { toYaml } from '../output/describe.ts'
import type { Style } from '../output/style.ts'
import { isSecretField } from '../resources/secret-fields.ts'
import type { CurrentResource, CurrentState } from './current-state.ts'
import { type DesiredDocument, isReference } from './documents.ts'

/** What has to be done for one document. */
export interface Change {
  action: 'create' | 'update' | 'none'
  document: DesiredDocument
  current: CurrentResource | undefined
  /** What differs, as a JSON merge patch with other resources still by name; secrets are references or texts. */
  patch: Record<string, unknown>
}

/**
 * Compares documents with what the manager has. Fields that a document does not name keep their value.
 *
 * @param updateSecrets - Whether secrets are sent though nothing else has changed: what is stored cannot be compared.
 */
export function changesOf(desired: readonly DesiredDocument[], state: CurrentState, updateSecrets: boolean): Change[] {
  return desired.map((document) => {
    const current = state.find(document.kind, document.key)
    if (current === undefined) return { action: 'create', document, current, patch: document.fields }
    const wanted = withIds(document, state)
    const settings = updateSecrets ? withoutMasks(current.settings) : current.settings
    const patch = patchOf(settings, withoutSecrets(wanted))
    const secrets = secretsOf(wanted, current.answer, Object.keys(patch).length > 0 || updateSecrets)
    const whole = merged(patch, secrets)
    return { action: Object.keys(whole).length > 0 ? 'update' : 'none', document, current, patch: whole }
  })
}

/** The fields of a document with ids in place of names; of what does not exist yet the name stays. */
export function withIds({ kind, fields }: DesiredDocument, state: CurrentState): Record<string, unknown> {
  const idOf = (of: 'agent' | 'plan', name: unknown) => state.resolve(of, String(name))?.id ?? name
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      if (kind === 'instance' && (name === 'agent' || name === 'agentId')) return ['agentId', idOf('agent', value)]
      if (name === 'otherAgents') return [name, otherAgentsOf(value, (agent) => idOf('agent', agent))]
      if (kind === 'plan' && (name === 'destination' || name === 'destinationId')) {
        const found =
          state.resolve('destination', `${fields.instance}/${value}`) ?? state.resolve('destination', String(value))
        return ['destinationId', found?.id ?? value]
      }
      if (kind === 'channel' && name === 'transport' && isObject(value)) {
        const { plan = value.planId, ...transport } = value
        return [name, plan === undefined ? transport : { ...transport, planId: idOf('plan', plan) }]
      }
      return [name === 'instance' ? 'instanceId' : name, value]
    }),
  )
}

function otherAgentsOf(others: unknown, idOf: (agent: unknown) => unknown): unknown {
  if (!Array.isArray(others)) return others
  return others.map(({ agent, ...place }) => ({ ...(agent === undefined ? {} : { agentId: idOf(agent) }), ...place }))
}

function patchOf(
  current: Readonly<Record<string, unknown>>,
  wanted: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const patch: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(wanted)) {
    const before = current[name]
    if (covers(before, value)) continue
    const isChanged = isObject(before) && isObject(value) && before.kind === value.kind
    patch[name] = isChanged ? withKind(patchOf(before, value), value) : value
  }
  return patch
}

/** A store or a channel's transport is patched with its kind, which says what fields it has. */
const withKind = (patch: Readonly<Record<string, unknown>>, { kind }: Readonly<Record<string, unknown>>) =>
  typeof kind === 'string' ? { ...patch, kind } : patch

/** Whether what exists has everything that is wanted; the manager may have added defaults. */
function covers(current: unknown, wanted: unknown): boolean {
  // What is stored cannot be compared.
  if (current === MASKED_SECRET) return true
  if (wanted === null || wanted === undefined) return current === undefined
  if (isObject(wanted))
    return isObject(current) && Object.entries(wanted).every(([name, each]) => covers(current[name], each))
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(current) &&
      current.length === wanted.length &&
      wanted.every((each, index) => covers(current[index], each))
    )
  }
  return isDeepStrictEqual(current, wanted)
}

/** What can be compared: without the values that the manager does not show. */
function withoutMasks(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const shown = Object.entries(value).filter(([, each]) => each !== MASKED_SECRET)
  return Object.fromEntries(shown.map(([name, each]) => [name, isObject(each) ? withoutMasks(each) : each]))
}

function withoutSecrets(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, each]) => {
      if (isSecretField(name, value)) return []
      return [[name, isObject(each) && !isReference(each) ? withoutSecrets(each) : each] as const]
    }),
  )
}

/** The secrets to be sent: those that are not set yet, or all. */
function secretsOf(wanted: Readonly<Record<string, unknown>>, answer: unknown, all: boolean): Record<string, unknown> {
  const known = isObject(answer) ? answer : {}
  const secrets = Object.entries(wanted).flatMap(([name, value]) => {
    if (isSecretField(name, wanted)) return all || known[`${name}Set`] !== true ? [[name, value] as const] : []
    if (!isObject(value) || isReference(value)) return []
    const inner = secretsOf(value, known[name], all)
    if (Object.keys(inner).length === 0) return []
    return [[name, withKind(inner, value)] as const]
  })
  return Object.fromEntries(secrets)
}

function merged(
  left: Readonly<Record<string, unknown>>,
  right: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const result: Record<string, unknown> = { ...left }
  for (const [name, value] of Object.entries(right)) {
    const other = result[name]
    result[name] = isObject(other) && isObject(value) && !isReference(value) ? merged(other, value) : value
  }
  return result
}

/** A change as a unified diff for people; secrets are not shown. */
export function diffLines(change: Change, style: Style): string[] {
  const { action, document, current, patch } = change
  const declared = declaredSecrets(change)
  const title = `${document.kind} ${document.key}`
  if (action === 'none') return [`  ${title}: no change`]
  const before = action === 'create' ? {} : hidden(relevant(current?.settings ?? {}, patch), declared)
  const after = hidden(
    action === 'create'
      ? patch
      : { ...relevant(current?.settings ?? {}, patch), ...mergedView(current?.settings ?? {}, patch) },
    declared,
  )
  const text = createTwoFilesPatch(title, title, textOf(before), textOf(after), '', '', { context: 2 })
  const lines = text
    .split('\n')
    .slice(4)
    .filter((line) => line !== '' && !line.startsWith('\\'))
  const mark = action === 'create' ? style('green', '+') : style('yellow', '~')
  return [
    `${mark} ${title}: ${action}`,
    ...lines.filter((line) => !line.startsWith('@@')).map((line) => `    ${coloured(line, style)}`),
  ]
}

const textOf = (value: object) => (Object.keys(value).length === 0 ? '' : toYaml(value))

const relevant = (settings: Readonly<Record<string, unknown>>, patch: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.keys(patch).flatMap((name) => (settings[name] === undefined ? [] : [[name, settings[name]]])),
  )

function mergedView(
  settings: Readonly<Record<string, unknown>>,
  patch: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const entries = Object.entries(patch).map(([name, value]) => {
    const before = settings[name]
    const isChanged = isObject(before) && isObject(value) && !isReference(value) && before.kind === value.kind
    return [name, isChanged ? { ...before, ...mergedView(before, value) } : value] as const
  })
  return Object.fromEntries(entries)
}

/** @param declared - Names that are secrets though they do not look like it. */
function hidden(value: Readonly<Record<string, unknown>>, declared: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => {
      if (isSecretField(name, value) || isSecretName(name) || declared.includes(name)) return [name, '(secret)']
      return [name, isObject(each) ? hidden(each, declared) : each]
    }),
  )
}

function declaredSecrets({ document, current }: Change): string[] {
  return [document.fields.secretParameters, current?.settings.secretParameters].flatMap((names) =>
    Array.isArray(names) ? names.map(String) : [],
  )
}

function coloured(line: string, style: Style): string {
  if (line.startsWith('+')) return style('green', line)
  return line.startsWith('-') ? style('red', line) : line
}
