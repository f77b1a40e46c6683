import { spawn } from 'node:child_process'
import { stat } from 'node:fs/promises'

/** The account PostgreSQL runs under; undefined ids mean the manager's own. */
export interface Account {
  uid?: number
  gid?: number
}

/** The uid of `nobody` on Debian, Alpine and Red Hat. */
const NOBODY = 65_534
/** Where initdb finds the programs of the system that it runs. */
const SYSTEM_PATH = '/usr/local/bin:/usr/bin:/bin'

/**
 * PostgreSQL refuses to run as root: then it runs as the owner of its folder, `nobody` if that is new.
 *
 * @param folder - Where its data is or will be stored.
 */
export async function postgresAccount(folder: string): Promise<Account> {
  if (process.getuid?.() !== 0) return {}
  const found = await stat(folder).catch(() => undefined)
  return found === undefined || found.uid === 0 ? { uid: NOBODY, gid: NOBODY } : { uid: found.uid, gid: found.gid }
}

/**
 * Runs a program to its end under an account, with nothing of the manager's environment.
 *
 * @returns Whether it exited 0, and what it printed. A program that cannot be started counts as failed.
 */
export function runAs(
  account: Account,
  program: string,
  args: readonly string[],
): Promise<{ ok: boolean; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      ...account,
      cwd: '/',
      env: { PATH: SYSTEM_PATH, LANG: 'C', LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', (error) => resolve({ ok: false, output: error.message }))
    // `exit`, not `close`: a server that pg_ctl started keeps the pipes open for as long as it runs. What the program printed
    // may still be in them, and is read before the next immediate.
    child.on('exit', (code) => {
      setImmediate(() => {
        child.stdout.destroy()
        child.stderr.destroy()
        resolve({ ok: code === 0, output: Buffer.concat(chunks).toString().trim() })
      })
    })
  })
}
