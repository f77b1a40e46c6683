import { mkdir, readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { errorCode, errorMessage, writeFileAtomically } from '@osb-backup/node'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { UsageError } from '../exit-code.ts'
import type { Io } from '../io.ts'

const oidcSchema = z.strictObject({
  issuer: z.url(),
  clientId: z.string().min(1),
  accessToken: z.string().min(1),
  refreshToken: z.string().min(1).optional(),
  expiresAt: z.iso.datetime().optional(),
})
/** Tokens of an identity provider. */
export type OidcTokens = z.infer<typeof oidcSchema>

const contextSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  token: z.string().min(1).optional(),
  tokenFile: z.string().min(1).optional(),
  oidc: oidcSchema.optional(),
  caFile: z.string().min(1).optional(),
})
/** A manager, and how to sign in to it. */
export type Context = z.infer<typeof contextSchema>

const configSchema = z.strictObject({
  currentContext: z.string().optional(),
  contexts: z.record(z.string().min(1), contextSchema).default({}),
})
export type Config = z.infer<typeof configSchema>

const MAXIMUM_BYTES = 1_000_000

/** `$XDG_CONFIG_HOME/osb-backup/config.yaml`. */
export function configPath({ env }: Io): string {
  const configured = env.XDG_CONFIG_HOME
  const directory =
    configured !== undefined && isAbsolute(configured) ? configured : join(env.HOME ?? homedir(), '.config')
  return join(directory, 'osb-backup', 'config.yaml')
}

/**
 * Reads the configuration file.
 *
 * @returns An empty configuration where there is no file.
 * @throws {UsageError} If it cannot be read, or is not valid; never with a value of it.
 */
export async function readConfig(io: Io): Promise<Config> {
  const path = configPath(io)
  let text: string
  try {
    const { size, mode } = await stat(path)
    if (size > MAXIMUM_BYTES) throw new UsageError(`${path} is larger than ${MAXIMUM_BYTES} bytes.`)
    if ((mode & 0o077) !== 0) {
      io.stderr.write(`Warning: other users can access ${path}, which contains tokens. Run: chmod 600 '${path}'\n`)
    }
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return { contexts: {} }
    if (cause instanceof UsageError) throw cause
    throw new UsageError(`${path} cannot be read: ${errorMessage(cause)}.`, { cause })
  }
  const read = configSchema.safeParse(parseYaml(text, path))
  if (read.success) return read.data
  const [issue] = read.error.issues
  throw new UsageError(`${path} is not valid: ${issue?.path.join('.') || 'the file'}: ${issue?.message}.`)
}

function parseYaml(text: string, path: string): unknown {
  try {
    return parse(text, { logLevel: 'silent', prettyErrors: false }) ?? {}
  } catch {
    // The message of the parser quotes the text, and so perhaps a token.
    throw new UsageError(`${path} is not valid YAML.`)
  }
}

/** Writes the configuration file, which only its owner can read. */
export async function writeConfig(io: Io, config: Config): Promise<void> {
  const path = configPath(io)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await writeFileAtomically(path, stringify(config), { mode: 0o600 })
}
