import { resolve } from 'node:path'
import { BackupClient } from '@osb-backup/client'
import { type Context, configPath, readConfig, writeConfig } from '../config/config-file.ts'
import { signInByDevice } from '../config/oidc-session.ts'
import { checkUrl, trust, useProxies } from '../config/resolve-connection.ts'
import { CliError, exitCodes, UsageError } from '../exit-code.ts'
import { nearest } from '../input/nearest.ts'
import { askSecret } from '../input/prompt.ts'
import { readSecret } from '../input/secret.ts'
import type { Session } from '../session.ts'
import type { Program } from './program-context.ts'

interface LoginOptions {
  name?: string
  tokenFile?: string
  oidcIssuer?: string
  clientId?: string
  scope: string
}

/** Adds `login`, `logout` and `whoami`. */
export function addLogin({ command, action }: Program): void {
  command
    .command('login')
    .description('Sign in to a manager, and remember it as a context')
    .argument('[url]', 'URL of the manager, such as https://backup.example; that of the current context by default')
    .option('--name <context>', 'name of the context; the host of the URL by default')
    .option('--oidc-issuer <url>', 'sign in at this identity provider, in a browser')
    .option('--client-id <id>', 'client ID at the identity provider')
    .option('--scope <scopes>', 'scopes to ask the identity provider for', 'openid offline_access')
    .addHelpText(
      'after',
      `
Without --oidc-issuer, a token is asked for, or read from --token-file (- for standard input).

Examples:
  osb-backup login https://backup.example
  osb-backup login https://backup.example --token-file - < token.txt
  osb-backup login https://backup.example --oidc-issuer https://uaa.example --client-id osb-backup-cli`,
    )
    .action(action(login))
  command
    .command('logout')
    .description('Forget the token of the current context, or of the one that --context names')
    .action(action(logout))
  command
    .command('whoami')
    .description('Show whom the manager takes you for, and what you may do')
    .action(
      action(async (session) => {
        const caller = await (await session.client()).caller()
        session.printer.value(caller, { name: caller.name })
      }),
    )
}

async function login(session: Session, options: LoginOptions, wanted: string | undefined): Promise<void> {
  const { io, flags, printer } = session
  const config = await readConfig(io)
  const current = flags.context ?? config.currentContext
  const known = current === undefined ? undefined : config.contexts[current]
  const url = wanted ?? flags.url ?? io.env.OSB_BACKUP_URL ?? known?.url
  if (url === undefined || url === '')
    throw new UsageError('The URL of the manager is missing.', { hint: 'osb-backup login https://backup.example' })
  checkUrl(url)
  const given = flags.caFile ?? io.env.OSB_BACKUP_CA_FILE
  const inherited = known?.url === url.replace(/\/+$/, '') ? known.caFile : undefined
  const caFile = given === undefined || given === '' ? inherited : resolve(given)
  await trust(caFile)
  useProxies(io.env)
  const name = options.name ?? (wanted === undefined && current !== undefined ? current : new URL(url).host)
  const credentials = await credentialsOf(session, options)
  const token = credentials.token ?? credentials.oidc?.accessToken ?? ''
  const client = new BackupClient({ url, token, signal: io.signal })
  const caller = await client.caller()
  const { version } = await client.version()
  const context: Context = { url: url.replace(/\/+$/, ''), ...credentials, ...(caFile === undefined ? {} : { caFile }) }
  await writeConfig(io, { currentContext: name, contexts: { ...config.contexts, [name]: context } })
  printer.note(
    `Signed in to ${url} (version ${version}) as ${caller.name} (${caller.role}). The context "${name}" is stored in ${configPath(io)}.`,
  )
  printer.note('Next: osb-backup status')
}

async function credentialsOf({ io, flags }: Session, options: LoginOptions): Promise<Pick<Context, 'token' | 'oidc'>> {
  const { oidcIssuer: issuer, clientId, scope } = options
  if (issuer !== undefined) {
    if (clientId === undefined) throw new UsageError('--client-id is missing.')
    return { oidc: await signInByDevice(io, { issuer, clientId, scope }) }
  }
  if (clientId !== undefined) throw new UsageError('--oidc-issuer is missing.')
  const file = flags.tokenFile ?? io.env.OSB_BACKUP_TOKEN_FILE
  if (file !== undefined && file !== '') return { token: (await readSecret(io, file, 'the token')).trim() }
  const given = io.env.OSB_BACKUP_TOKEN
  if (given !== undefined && given !== '') return { token: given }
  const hint = 'Pass --token-file FILE, or - to read it from standard input.'
  const token = (await askSecret(io, flags, 'Token', hint)).trim()
  if (token === '') throw new UsageError('The token is empty.')
  return { token }
}

async function logout({ io, flags, printer }: Session): Promise<void> {
  const config = await readConfig(io)
  const name = flags.context ?? config.currentContext
  const context = name === undefined ? undefined : config.contexts[name]
  if (name === undefined || context === undefined)
    throw new CliError('No context is in use.', { exitCode: exitCodes.notFound })
  const { token: _, oidc: __, ...rest } = context
  await writeConfig(io, { ...config, contexts: { ...config.contexts, [name]: rest } })
  printer.note(`The token of the context "${name}" was removed. It stays valid until it expires or is revoked.`)
}

/** Adds `context`. */
export function addContext({ command, action }: Program): void {
  const context = command.command('context').description('Choose between managers that you have signed in to')
  context
    .command('list')
    .alias('ls')
    .description('List contexts')
    .action(
      action(async ({ io, printer }) => {
        const { contexts, currentContext } = await readConfig(io)
        const entries = Object.entries(contexts).map(([name, { url, token, tokenFile, oidc, caFile }]) => ({
          name,
          url,
          current: name === currentContext,
          signIn: oidc === undefined ? (tokenFile ?? (token === undefined ? 'none' : 'token')) : oidc.issuer,
          ...(caFile === undefined ? {} : { caFile }),
        }))
        printer.list(entries, {
          columns: [
            { header: '', cell: ({ current }) => (current ? '*' : '') },
            { header: 'NAME', cell: ({ name }) => name },
            { header: 'URL', cell: ({ url }) => url, shrinks: true },
            { header: 'SIGN-IN', cell: ({ signIn }) => signIn, shrinks: true },
          ],
          name: ({ name }) => name,
          empty: 'There are no contexts. Create one with "osb-backup login URL".',
        })
      }),
    )
  context
    .command('use')
    .description('Use a context from now on')
    .argument('<context>', 'name of the context')
    .action(
      action(async ({ io, printer }, _: object, name: string) => {
        const config = await readConfig(io)
        requireContext(config.contexts, name)
        await writeConfig(io, { ...config, currentContext: name })
        printer.note(`Using the context "${name}" (${config.contexts[name]?.url}).`)
      }),
    )
  context
    .command('delete')
    .alias('rm')
    .description('Forget a context with its token')
    .argument('<context>', 'name of the context')
    .action(
      action(async ({ io, printer }, _: object, name: string) => {
        const { currentContext, contexts } = await readConfig(io)
        requireContext(contexts, name)
        const { [name]: __, ...others } = contexts
        await writeConfig(io, {
          contexts: others,
          ...(currentContext === name || currentContext === undefined ? {} : { currentContext }),
        })
        printer.note(`Deleted the context "${name}". Its token stays valid until it expires or is revoked.`)
      }),
    )
}

function requireContext(contexts: Record<string, Context>, name: string): void {
  if (Object.hasOwn(contexts, name)) return
  throw new CliError(`There is no context "${name}".${nearest(name, Object.keys(contexts))}`, {
    exitCode: exitCodes.notFound,
  })
}
