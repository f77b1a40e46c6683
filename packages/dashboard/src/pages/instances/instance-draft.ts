import type { Agent, Instance, InstanceCreate, InstancePatch } from '@osb-backup/protocol/v1'

export type PackParameter = Agent['packs'][number]['parameters'][number]

/** A host while it is edited. */
export interface HostDraft {
  key: number
  name: string
  address: string
  port: string
}

/** An instance while it is registered. */
export interface InstanceDraft {
  id: string
  agentId: string
  pack: string
  hosts: HostDraft[]
  /** The one of the hosts that dumps are taken from. */
  backupHost: number
  username: string
  password: string
  privilegedUsername: string
  privilegedPassword: string
  items: string[]
  /** As text; empty ones have the default of the pack, or keep the secret that is stored. */
  parameters: Record<string, string>
  /** Secret parameters whose stored value is to be removed. */
  removedSecrets: string[]
}

/** How the API answers a secret parameter. */
const MASKED = '***'

export const emptyInstance: InstanceDraft = {
  id: '',
  agentId: '',
  pack: '',
  hosts: [{ key: 0, name: '', address: '', port: '' }],
  backupHost: 0,
  username: '',
  password: '',
  privilegedUsername: '',
  privilegedPassword: '',
  items: [],
  parameters: {},
  removedSecrets: [],
}

/** A registered instance as it is edited: without its secrets, which nobody can read. */
export function draftOfInstance({ hosts, database, parameters = {}, ...instance }: Instance): InstanceDraft {
  const readable = Object.entries(parameters).filter(([, value]) => value !== MASKED && typeof value !== 'object')
  return {
    ...emptyInstance,
    id: instance.id,
    agentId: instance.agentId ?? '',
    pack: instance.pack ?? '',
    hosts: hosts.map(({ name = '', address, port }, key) => ({ key, name, address, port: port?.toString() ?? '' })),
    backupHost: Math.max(
      0,
      hosts.findIndex(({ backup }) => backup),
    ),
    username: database.username ?? '',
    privilegedUsername: database.privilegedUsername ?? '',
    items: instance.items ?? [],
    parameters: Object.fromEntries(readable.map(([name, value]) => [name, String(value)])),
  }
}

/** Whether a secret value is stored of a parameter. */
export const isSecretStored = ({ parameters }: Pick<Instance, 'parameters'>, name: string): boolean =>
  parameters?.[name] === MASKED

/** Whether the draft leads to another agent or server: what is secret is not sent there unless it is entered again. */
export function isMoved({ agentId, hosts }: InstanceDraft, stored: Instance): boolean {
  const known = stored.hosts.map(({ address, port }) => `${address.toLowerCase()} ${port ?? ''}`)
  const isKnown = ({ address, port }: HostDraft) => known.includes(`${address.trim().toLowerCase()} ${port}`)
  return agentId !== stored.agentId || !hosts.every(isKnown)
}

/** The parameters of the pack that is chosen, or of the only one. */
export function parametersOf(packs: Agent['packs'], pack: string): readonly PackParameter[] {
  const [only, ...others] = packs
  const chosen = pack === '' && others.length === 0 ? only : packs.find(({ name }) => name === pack)
  return chosen?.parameters ?? []
}

/** The request that registers an instance: what is empty is left out. */
export function instanceRequestOf(draft: InstanceDraft, known: readonly PackParameter[]): InstanceCreate {
  const { username, password, privilegedUsername, privilegedPassword } = draft
  const database = filled({ username, password, privilegedUsername, privilegedPassword })
  const parameters = known.flatMap((parameter): [string, unknown][] => {
    const text = draft.parameters[parameter.name] ?? ''
    return text === '' ? [] : [[parameter.name, typedValue(parameter, text)]]
  })
  const secretParameters = known.filter(({ name, secret }) => secret && draft.parameters[name]).map(({ name }) => name)
  return {
    id: draft.id.trim(),
    agentId: draft.agentId,
    hosts: draft.hosts.map(({ key, name, address, port }) => ({
      ...(name.trim() === '' ? {} : { name: name.trim() }),
      address: address.trim(),
      ...(port === '' ? {} : { port: Number(port) }),
      ...(draft.hosts.length > 1 ? { backup: key === draft.backupHost } : {}),
    })),
    ...(draft.pack === '' ? {} : { pack: draft.pack }),
    ...(Object.keys(database).length === 0 ? {} : { database }),
    ...(draft.items.length === 0 ? {} : { items: draft.items }),
    ...(parameters.length === 0 ? {} : { parameters: Object.fromEntries(parameters) }),
    ...(secretParameters.length === 0 ? {} : { secretParameters }),
  }
}

/** The request that changes an instance: what was cleared is removed, and secrets stay unless others are entered. */
export function instancePatchOf(
  draft: InstanceDraft,
  known: readonly PackParameter[],
  stored: Instance,
): InstancePatch {
  const request = instanceRequestOf(draft, known)
  const { id: _, hosts, agentId, parameters = {}, secretParameters = [] } = request
  const account = accountPatch(draft.username, draft.password)
  const privileged = accountPatch(draft.privilegedUsername, draft.privilegedPassword)
  const cleared = known
    .map(({ name }) => name)
    .filter((name) => Object.hasOwn(stored.parameters ?? {}, name) && !Object.hasOwn(parameters, name))
    .filter((name) => !isSecretStored(stored, name) || draft.removedSecrets.includes(name))
  const secretNames = [...new Set([...(stored.secretParameters ?? []), ...secretParameters])]
  return {
    agentId,
    hosts,
    pack: request.pack ?? null,
    items: request.items ?? null,
    database: {
      username: account.name,
      password: account.password,
      privilegedUsername: privileged.name,
      privilegedPassword: privileged.password,
    },
    parameters: { ...parameters, ...Object.fromEntries(cleared.map((name) => [name, null])) },
    ...(secretNames.length === 0 ? {} : { secretParameters: secretNames }),
  }
}

/** The password of an account that is removed is removed with it. */
const accountPatch = (name: string, password: string) => ({
  name: name === '' ? null : name,
  password: password !== '' ? password : name === '' ? null : undefined,
})

const filled = (fields: Record<string, string>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''))

function typedValue({ type }: PackParameter, text: string): string | number | boolean {
  switch (type) {
    case 'integer':
    case 'number':
      return Number(text)
    case 'boolean':
      return text === 'true'
    case 'string':
      return text
  }
}
