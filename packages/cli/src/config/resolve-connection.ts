import { readFile } from 'node:fs/promises'
import { setGlobalProxyFromEnv } from 'node:http'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { BackupClient } from '@osb-backup/client'
import { errorMessage } from '@osb-backup/node'
import { CliError, exitCodes, UsageError } from '../exit-code.ts'
import { nearest } from '../input/nearest.ts'
import type { Io } from '../io.ts'
import { type Config, type Context, readConfig } from './config-file.ts'
import { refreshedToken } from './oidc-session.ts'

/** The global options that choose a manager. */
export interface ConnectionFlags {
  url?: string
  context?: string
  tokenFile?: string
  caFile?: string
}

/** How the manager is reached. */
interface Connection {
  url: string
  token: string
  /** The context that it was read from, if any. */
  contextName: string | undefined
}

/**
 * Chooses the manager and the token: flags, then the environment, then the context.
 *
 * @throws {CliError} If there is no URL or no token, or the token belongs to another URL.
 */
export async function resolveConnection(io: Io, flags: ConnectionFlags): Promise<Connection> {
  const { env } = io
  const config = await readConfig(io)
  const contextName = flags.context ?? (nonEmpty(env.OSB_BACKUP_CONTEXT) || config.currentContext)
  const context = contextName === undefined ? undefined : contextOf(config, contextName)
  const explicitUrl = flags.url ?? nonEmpty(env.OSB_BACKUP_URL)
  const url = explicitUrl ?? context?.url
  if (url === undefined) {
    throw new UsageError('No manager is configured.', {
      hint: 'Sign in with "osb-backup login URL", or set OSB_BACKUP_URL and OSB_BACKUP_TOKEN.',
    })
  }
  checkUrl(url)
  await trust(flags.caFile ?? nonEmpty(env.OSB_BACKUP_CA_FILE) ?? context?.caFile)
  useProxies(env)
  const own = await explicitToken(io, flags)
  if (own !== undefined) return { url, token: own, contextName }
  if (context !== undefined && origin(url) !== origin(context.url)) {
    throw new UsageError(
      `The token of the context "${contextName}" belongs to ${context.url} and is not sent to ${url}.`,
      {
        hint: `Sign in with "osb-backup login ${url}", or set OSB_BACKUP_TOKEN.`,
      },
    )
  }
  const token = context === undefined ? undefined : await tokenOf(io, context, contextName ?? '')
  if (token !== undefined) return { url, token, contextName }
  throw new CliError(`There is no token for ${url}.`, {
    exitCode: exitCodes.notAllowed,
    hint: `Sign in with "osb-backup login ${url}", or set OSB_BACKUP_TOKEN or OSB_BACKUP_TOKEN_FILE.`,
  })
}

/** A client of the chosen manager. */
export async function connect(io: Io, flags: ConnectionFlags): Promise<BackupClient> {
  const { url, token } = await resolveConnection(io, flags)
  return new BackupClient({ url, token, signal: io.signal })
}

/**
 * Uses the proxies that the environment names.
 *
 * @throws {CliError} If there are some, and this Node cannot use them.
 */
export function useProxies(env: Io['env']): void {
  // Not in the first versions of Node 24.
  const use: typeof setGlobalProxyFromEnv | undefined = setGlobalProxyFromEnv
  if (use !== undefined) use()
  else if (env.HTTP_PROXY || env.HTTPS_PROXY || env.http_proxy || env.https_proxy) {
    throw new CliError(`Node ${process.version} cannot use proxies: Node 24.14 or newer is needed for that.`)
  }
}

/** Trusts further certificate authorities in this process. */
export async function trust(caFile: string | undefined): Promise<void> {
  if (caFile === undefined) return
  const pem = await readTextFile(caFile, 'the CA file')
  try {
    setDefaultCACertificates([...getCACertificates('default'), pem])
  } catch (cause) {
    throw new UsageError(`${caFile} contains no valid certificate.`, { cause })
  }
}

/** @throws {UsageError} If the text is not the URL of a manager. */
export function checkUrl(url: string): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol))
    throw new UsageError('The URL must begin with http:// or https://.')
  if (parsed.username !== '' || parsed.password !== '')
    throw new UsageError('The URL must not contain a user or a password.')
}

async function explicitToken({ env }: Io, flags: ConnectionFlags): Promise<string | undefined> {
  if (flags.tokenFile !== undefined) return readToken(flags.tokenFile)
  const token = nonEmpty(env.OSB_BACKUP_TOKEN)
  if (token !== undefined) return token
  const file = nonEmpty(env.OSB_BACKUP_TOKEN_FILE)
  return file === undefined ? undefined : readToken(file)
}

async function tokenOf(io: Io, context: Context, name: string): Promise<string | undefined> {
  if (context.token !== undefined) return context.token
  if (context.tokenFile !== undefined) return readToken(context.tokenFile)
  return context.oidc === undefined ? undefined : refreshedToken(io, name, context.oidc)
}

async function readToken(path: string): Promise<string> {
  const token = (await readTextFile(path, 'the token file')).trim()
  if (!/^[\x21-\x7e]+$/.test(token)) throw new UsageError(`${path} does not contain a token.`)
  return token
}

/** Reads a small file that the user named. */
export async function readTextFile(path: string, what: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`${path} (${what}) cannot be read: ${errorMessage(cause)}.`, { cause })
  })
}

function contextOf(config: Config, name: string): Context {
  const context = Object.hasOwn(config.contexts, name) ? config.contexts[name] : undefined
  if (context !== undefined) return context
  const names = Object.keys(config.contexts)
  throw new UsageError(`There is no context "${name}".${nearest(name, names)}`, {
    hint: names.length > 0 ? `Contexts: ${names.join(', ')}.` : 'Create one with "osb-backup login URL".',
  })
}

const origin = (url: string) => new URL(url).href.replace(/\/+$/, '')
const nonEmpty = (text: string | undefined) => (text === '' ? undefined : text)
