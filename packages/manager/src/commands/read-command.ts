import { parseArgs } from 'node:util'
import type { Grants } from '../access/caller.ts'
import { type Permission, permissions, roles } from '../shared/role.ts'
import type { NewToken } from '../tokens/token.ts'

/** What the command line asks for. */
export type Command =
  | { name: 'help' }
  | { name: 'version' }
  | { name: 'start' }
  | { name: 'token create'; token: NewToken }
  | { name: 'token list' }
  | { name: 'token revoke'; id: string }
  | { name: 'key rotate' }
  | { name: 'key forget' }
  | { name: 'import'; folder: string; apply: boolean }
  | { name: 'recover'; file: string; apply: boolean }
  | { name: 'reconcile'; id: string; remove: boolean; adopt: boolean; olderThanHours: number | undefined }

/** The command line cannot be read. The message is a sentence. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const options = {
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
  name: { type: 'string' },
  role: { type: 'string' },
  permissions: { type: 'string' },
  instances: { type: 'string' },
  expires: { type: 'string' },
  remove: { type: 'boolean' },
  adopt: { type: 'boolean' },
  from: { type: 'string' },
  apply: { type: 'boolean' },
  'older-than-hours': { type: 'string' },
} as const

/** Which command takes an option. */
const takenBy: Record<Exclude<keyof typeof options, 'help' | 'version'>, Command['name'] | Command['name'][]> = {
  from: ['import', 'recover'],
  apply: ['import', 'recover'],
  name: 'token create',
  role: 'token create',
  permissions: 'token create',
  instances: 'token create',
  expires: 'token create',
  remove: 'reconcile',
  adopt: 'reconcile',
  'older-than-hours': 'reconcile',
}

type Values = Partial<
  Record<'name' | 'role' | 'permissions' | 'instances' | 'expires' | 'older-than-hours' | 'from', string>
> & {
  remove?: boolean
  adopt?: boolean
  apply?: boolean
}

/**
 * Reads the command line.
 *
 * @throws {UsageError} Naming what is wrong with it.
 */
export function readCommand(args: string[]): Command {
  const { help, version, words, values } = parse(args)
  if (help) return { name: 'help' }
  if (version) return { name: 'version' }
  const length = oneWord.has(words[0] ?? '') ? 1 : 2
  const [name, rest] = [words.slice(0, length).join(' '), words.slice(length)]
  const foreign = Object.entries(takenBy).find(
    ([option, taker]) => Object.hasOwn(values, option) && ![taker].flat().some((each) => each === name),
  )
  if (foreign !== undefined)
    throw new UsageError(
      `--${foreign[0]} is for ${[foreign[1]]
        .flat()
        .map((each) => JSON.stringify(each))
        .join(' and ')} alone.`,
    )
  if (!takesId(name) && rest.length > 0) throw new UsageError(`${JSON.stringify(rest[0])} is one word too many.`)
  switch (name) {
    case '':
      return { name: 'start' }
    case 'token list':
    case 'key rotate':
    case 'key forget':
      return { name }
    case 'import': {
      const { from: folder, apply = false } = values
      if (!folder) throw new UsageError('"import" needs --from, the folder that mongodump or mongoexport wrote to.')
      return { name, folder, apply }
    }
    case 'recover': {
      const { from: file, apply = false } = values
      if (!file) throw new UsageError('"recover" needs --from, a JSON file with the settings of the stores to search.')
      return { name, file, apply }
    }
    case 'token create':
      return { name, token: readToken(values) }
    case 'token revoke':
      return { name, id: onlyId(rest, '"token revoke" takes one id, as "token list" shows it.') }
    case 'reconcile': {
      const id = onlyId(rest, '"reconcile" takes one id, that of a file destination.')
      const { remove = false, adopt = false } = values
      return { name, id, remove, adopt, olderThanHours: readHours(values['older-than-hours']) }
    }
    default:
      throw new UsageError(`There is no command ${JSON.stringify(name)}.`)
  }
}

/** Other commands have two words. */
const oneWord = new Set(['reconcile', 'import', 'recover'])

const takesId = (name: string) => name === 'token revoke' || name === 'reconcile'

function onlyId([id, ...more]: string[], otherwise: string): string {
  if (id === undefined || more.length > 0) throw new UsageError(otherwise)
  return id
}

function readHours(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,6}$/.test(text)) throw new UsageError('--older-than-hours must be a whole number.')
  return Number(text)
}

function parse(args: string[]): { help: boolean; version: boolean; words: string[]; values: Values } {
  try {
    const { positionals, values } = parseArgs({ args, options, allowPositionals: true })
    const { help = false, version = false, ...rest } = values
    return { help, version, words: positionals, values: rest }
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

function readToken({ name, role = 'viewer', permissions: permitted, instances = 'all', expires }: Values): NewToken {
  if (!name || name.length > 200)
    throw new UsageError('--name is needed: 1 to 200 characters that say whose token it is.')
  const known = roles.find((each) => each === role)
  if (known === undefined) throw new UsageError(`--role must be one of ${roles.join(', ')}.`)
  const grants: Grants = instances === 'all' ? instances : instances.split(',').map((id) => id.trim())
  if (grants !== 'all' && grants.includes(''))
    throw new UsageError('--instances must be ids separated by commas, or all.')
  return {
    name,
    role: known,
    permissions: readPermissions(permitted),
    grants,
    expiresAt: expires === undefined ? undefined : readExpiry(expires),
  }
}

function readPermissions(text: string | undefined): Permission[] {
  return (text ?? '')
    .split(',')
    .filter(Boolean)
    .map((word) => {
      const known = permissions.find((each) => each === word.trim())
      if (known === undefined) throw new UsageError(`--permissions must be among ${permissions.join(', ')}.`)
      return known
    })
}

/** A day ends at its end, in UTC. */
function readExpiry(text: string): Date {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text)
  const expiresAt = new Date(isDay ? `${text}T24:00:00Z` : text)
  if (Number.isNaN(expiresAt.getTime()) || !/^\d{4}-\d\d-\d\d(T.*(Z|[+-]\d\d:\d\d))?$/.test(text)) {
    throw new UsageError('--expires must be a day like 2030-12-31, or an instant like 2030-12-31T12:00:00Z.')
  }
  return expiresAt
}
