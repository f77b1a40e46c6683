import { spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/** A request, of which the Go agent reads keys in any case; our manager spells them as published. */
export interface Body {
  id?: string
  compression?: boolean
  encryption_key?: string
  destination?: Record<string, string> & { skipSSL?: boolean }
  backup?: Database
  restore?: Database
}

/** The database of a request. */
export interface Database {
  host: string
  username: string
  password: string
  database: string
  parameters?: Record<string, unknown>[] | null
}

/** What the Go agent gives the scripts that move a dump. */
export function goArguments(body: Body, { host, username, password, database }: Database, filename: string): string[] {
  const { id = '', compression = false, encryption_key: key = '' } = body
  return [host, username, password, database, filename, id, String(compression), key]
}

/** How a script of the Go agent ended. */
interface ScriptEnd {
  missing: boolean
  problem: string | undefined
  output: string
  errors: string
}

/** Runs the script of a stage as the Go agent does. */
export async function runGoScript(
  folder: string,
  stage: string,
  given: readonly string[],
  parameters: Database['parameters'],
): Promise<ScriptEnd> {
  const scripts = join(folder, 'scripts')
  const found = (await readdir(scripts)).find((name) => name === stage || name === `${stage}.sh`)
  if (found === undefined) {
    return { missing: true, problem: `No script found for the ${stage} stage.`, output: '', errors: '' }
  }
  const variables = Object.assign({}, ...(parameters ?? []))
  // With parameters a script has nothing else in its environment; without, it inherits the agent's.
  const inherited = {
    PATH: process.env.PATH,
    directory_backup: join(folder, 'backup'),
    directory_restore: join(folder, 'restore'),
  }
  const env = Object.keys(variables).length > 0 ? goEnvironment(variables) : inherited
  const child = spawn('bash', [join(scripts, found), ...given], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [output, errors, status] = await Promise.all([text(child.stdout), text(child.stderr), exit])
  return { missing: false, problem: status === 0 ? undefined : `exit status ${status}`, output, errors }
}

/** As Go prints values: a map as `map[key:value]`. */
function goEnvironment(variables: Record<string, unknown>): Record<string, string> {
  const printed = (value: unknown): string =>
    typeof value === 'object' && value !== null
      ? `map[${Object.entries(value)
          .map(([name, inner]) => `${name}:${printed(inner)}`)
          .join(' ')}]`
      : String(value)
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, printed(value)]))
}
