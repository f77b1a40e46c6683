import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { chmod, chown, lstat, readFile, stat } from 'node:fs/promises'
import { invariant } from '../shared/invariant.ts'

/** The account PostgreSQL runs under; undefined ids mean the manager's own. */
export interface Account {
  uid?: number
  gid?: number
}

/** The uid of `nobody` on Debian, Alpine and Red Hat. */
const NOBODY = 65_534
/** Where initdb finds the programs of the system that it runs. */
const SYSTEM_PATH = '/usr/local/bin:/usr/bin:/bin'

/** Groups that are assigned to accounts as they are created; one without a name is nobody's. */
const GROUPS = { first: 59_000, count: 1000 }

/**
 * PostgreSQL refuses to run as root: then it runs as the owner of its folder, if an operator gave it to an account; else as
 * `nobody`, but in a group of its own. Other processes of `nobody` are not in it, so that they can neither enter the folder
 * nor trace the server.
 *
 * @param folder - Where its data is or will be stored.
 */
export async function postgresAccount(folder: string): Promise<Account> {
  if (process.getuid?.() !== 0) return {}
  const found = await stat(folder).catch(() => undefined)
  if (found !== undefined && found.uid !== 0 && found.uid !== NOBODY) return { uid: found.uid, gid: found.gid }
  const isPrivate = found?.uid === 0 && found.gid >= GROUPS.first && found.gid < GROUPS.first + GROUPS.count
  return { uid: NOBODY, gid: isPrivate ? found.gid : await findFreeGroup() }
}

/** Any group that no account has. */
async function findFreeGroup(): Promise<number> {
  const lines = (await readFile('/etc/group', 'utf8').catch(() => '')).split('\n')
  const taken = new Set(lines.map((line) => Number(line.split(':')[2])))
  const free = Array.from({ length: GROUPS.count }, (_, index) => GROUPS.first + index).filter((gid) => !taken.has(gid))
  const chosen = free[randomInt(free.length)]
  invariant(chosen !== undefined, 'a group is free')
  return chosen
}

/**
 * Gives a directory to an account, and to nobody else. To one that is shared it is given through the group: the directory stays
 * root's.
 */
export async function giveFolder(folder: string, { uid, gid }: Account): Promise<void> {
  if (uid === undefined || gid === undefined) return chmod(folder, 0o700)
  const isShared = uid === NOBODY
  await chown(folder, isShared ? 0 : uid, gid)
  await chmod(folder, isShared ? 0o770 : 0o700)
}

/** Whether a path is a directory (no link) that was given to the account alone. */
export async function isGiven(folder: string, { uid = process.getuid?.(), gid }: Account): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined)
  if (found?.isDirectory() !== true) return false
  const mode = found.mode & 0o777
  return uid === NOBODY ? found.uid === 0 && found.gid === gid && mode === 0o770 : found.uid === uid && mode === 0o700
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
