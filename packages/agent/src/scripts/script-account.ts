import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { errorMessage, SettingsError, writeFileAtomically } from '@osb-backup/node'
import { z } from 'zod'

const run = promisify(execFile)
/** A directory service that does not answer must not keep the agent from starting. */
const LOOKUP_TIMEOUT_MS = 20_000
/** The exit status of getent for a name that does not exist. */
const NOT_FOUND = 2
/** The file of state_directory with the account that was found last. */
const ACCOUNT_FILE = 'script-account.json'

/** The account that scripts run under, if it is not the agent's own. */
export interface ScriptAccount {
  name: string
  uid: number
  gid: number
  home: string
}

const accountSchema = z.object({ name: z.string(), uid: z.number().int(), gid: z.number().int(), home: z.string() })

/** How an account was found. `problem`: it could not be looked up, and is the one that an earlier start found. */
export interface FoundAccount {
  /** Undefined if the agent runs under it already. */
  account?: ScriptAccount
  problem?: string
}

/**
 * Looks up an account by its name, and remembers it for starts during which the directory service of the machine fails.
 *
 * @param directory - state_directory.
 * @throws {SettingsError} If there is no such account and none is remembered, or the agent may not change to it.
 */
export async function findScriptAccount(name: string, directory: string): Promise<FoundAccount> {
  const path = join(directory, ACCOUNT_FILE)
  const known = await rememberedAccount(path, name)
  try {
    const account = await lookUp(name)
    requireUsable(account)
    const text = JSON.stringify(account)
    // On a full disk the agent starts all the same.
    if (text !== JSON.stringify(known)) await writeFileAtomically(path, text).catch(() => undefined)
    return unlessOwn(account)
  } catch (error) {
    if (known === undefined) throw error
    return { ...unlessOwn(known), problem: errorMessage(error) }
  }
}

const unlessOwn = (account: ScriptAccount): FoundAccount => (account.uid === process.geteuid?.() ? {} : { account })

async function rememberedAccount(path: string, name: string): Promise<ScriptAccount | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  try {
    const { data } = accountSchema.safeParse(JSON.parse(text))
    return data?.name === name ? data : undefined
  } catch {
    return undefined
  }
}

function requireUsable({ name, uid }: ScriptAccount): void {
  const own = process.geteuid?.()
  if (uid === own || (own === 0 && uid !== 0)) return
  if (uid === 0) throw new SettingsError('script_user must not be root: leave it out, or name another account.')
  throw new SettingsError(
    `script_user ${name} needs an agent that runs as root: only root may change to another account.`,
  )
}

async function lookUp(name: string): Promise<ScriptAccount> {
  const options = { timeout: LOOKUP_TIMEOUT_MS, killSignal: 'SIGKILL' } as const
  const entry = await run('getent', ['passwd', '--', name], options).catch(
    (error: { code?: unknown; killed?: boolean }) => {
      if (error.code === NOT_FOUND) throw new SettingsError(`script_user ${name} is not an account of this machine.`)
      const why = error.killed === true ? 'getent did not answer in time' : errorMessage(error).trim()
      throw new SettingsError(`script_user ${name} cannot be looked up: ${why}. Check the directory service.`)
    },
  )
  const [, , uid, gid, , home = '/'] = entry.stdout.trim().split(':')
  return { name, uid: Number(uid), gid: Number(gid), home }
}

/** A command as it is run under an account: with its groups, and without any capability. */
export function commandAs(
  account: ScriptAccount | undefined,
  program: string,
  parameters: readonly string[],
): [string, string[]] {
  if (account === undefined) return [program, [...parameters]]
  const identity = [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--init-groups', '--inh-caps=-all']
  return ['setpriv', [...identity, '--', program, ...parameters]]
}

/** Runs a program under an account. @returns Whether it succeeded. */
export async function succeedsAs(account: ScriptAccount, program: string, parameters: string[]): Promise<boolean> {
  const [command, rest] = commandAs(account, program, parameters)
  return run(command, rest, { timeout: 60_000 }).then(
    () => true,
    () => false,
  )
}

/**
 * Checks that an account can be changed to.
 *
 * @throws {SettingsError} If not.
 */
export async function checkScriptAccount(account: ScriptAccount): Promise<void> {
  const [command, rest] = commandAs(account, 'true', [])
  try {
    await run(command, rest, { timeout: 60_000 })
  } catch (error) {
    throw new SettingsError(`script_user cannot be used: setpriv (package util-linux) failed: ${errorMessage(error)}.`)
  }
}
