import { SettingsError } from '@osb-backup/node'
import { sessionConfig } from './session.ts'

/** Where a server listens. */
export interface ServerAddress {
  host: string
  port: number
}

/** What a `DATABASE_URL` says. */
export interface ParsedUrl {
  /** The same URL with the first server alone, for `pg`, which knows no lists. */
  url: string
  servers: readonly ServerAddress[]
  /** Which of them accepts writes has to be found out. */
  mustFindPrimary: boolean
}

const DEFAULT_PORT = 5432
const targets: ReadonlySet<string | null> = new Set(['any', 'read-write', 'primary', null])

/**
 * Reads a URL as libpq does: it may list several servers, `postgresql://user:password@a:5432,b:5432/name`, of which the one that
 * accepts writes is used.
 *
 * @throws {SettingsError} If it cannot be read. The message contains nothing of it.
 */
export function parseConnectionUrl(text: string): ParsedUrl {
  const [, scheme = '', authority = '', rest = ''] = /^([a-z]+:\/\/)([^/?#]*)(.*)$/i.exec(text) ?? []
  const userEnd = authority.lastIndexOf('@') + 1
  const servers = authority.slice(userEnd).split(',').map(parseServer)
  const url = parseSingle(`${scheme}${authority.slice(0, userEnd)}${formatServer(servers[0])}${rest}`)
  const target = url.searchParams.get('target_session_attrs')
  if (!targets.has(target)) {
    throw new SettingsError(
      'DATABASE_URL must have target_session_attrs=read-write: the manager writes to its database.',
    )
  }
  url.searchParams.delete('target_session_attrs')
  const options = url.searchParams.get('options')
  if (options !== null) url.searchParams.set('options', `${sessionConfig.options} ${options}`)
  const mustFindPrimary = servers.length > 1 || target === 'read-write' || target === 'primary'
  return { url: url.href, servers: servers.filter((server) => server !== undefined), mustFindPrimary }
}

function parseSingle(text: string): URL {
  try {
    return new URL(text)
  } catch {
    // The error would name the URL, with its password.
    throw invalid()
  }
}

/** Undefined: none is named, so that the driver chooses, or a parameter names it. */
function parseServer(text: string, _index: number, all: readonly string[]): ServerAddress | undefined {
  if (text === '' && all.length === 1) return undefined
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:.]+)\]|([^[\]:]+))(?::(\d{1,5}))?$/i.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined) throw invalid()
  return { host: decodeURIComponent(host), port: port === undefined ? DEFAULT_PORT : Number(port) }
}

function formatServer(server: ServerAddress | undefined): string {
  if (server === undefined) return ''
  const { host, port } = server
  return `${host.includes(':') ? `[${host}]` : encodeURIComponent(host)}:${port}`
}

const invalid = () =>
  new SettingsError(
    'DATABASE_URL must be like postgresql://user:password@host:5432/name, or list hosts: @host1:5432,host2:5432.',
  )
