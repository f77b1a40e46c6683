import type { Agent, InstanceCreate } from '@osb-backup/protocol/v1'

export type PackParameter = Agent['packs'][number]['parameters'][number]

/** A host while it is edited. */
export interface HostDraft {
  key: number
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
  /** As text; empty ones have the default of the pack. */
  parameters: Record<string, string>
}

export const emptyInstance: InstanceDraft = {
  id: '',
  agentId: '',
  pack: '',
  hosts: [{ key: 0, address: '', port: '' }],
  backupHost: 0,
  username: '',
  password: '',
  privilegedUsername: '',
  privilegedPassword: '',
  items: [],
  parameters: {},
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
    hosts: draft.hosts.map(({ key, address, port }) => ({
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
