import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'
import { errorMessage, SettingsError } from '@osb-backup/node'

const run = promisify(execFile)

/** The account that scripts run under, if it is not the agent's own. */
export interface ScriptAccount {
  name: string
  uid: number
  gid: number
  home: string
}

/**
 * Looks up an account by its name.
 *
 * @returns Undefined if the agent runs under it already.
 * @throws {SettingsError} If there is no such account, or the agent may not change to it.
 */
export function findScriptAccount(name: string): ScriptAccount | undefined {
  const [, , uid, gid, , home = '/'] = entryOf(name).split(':')
  const account = { name, uid: Number(uid), gid: Number(gid), home }
  if (account.uid === process.geteuid?.()) return undefined
  if (account.uid === 0) throw new SettingsError('script_user must not be root: leave it out, or name another account.')
  if (process.geteuid?.() === 0) return account
  throw new SettingsError(
    `script_user ${name} needs an agent that runs as root: only root may change to another account.`,
  )
}

function entryOf(name: string): string {
  try {
    return execFileSync('getent', ['passwd', '--', name], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    throw new SettingsError(`script_user ${name} is not an account of this machine.`)
  }
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
