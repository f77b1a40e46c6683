import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { chmod, chown, lstat, readFile, stat } from 'node:fs/promises'
import { invariant } from '../shared/invariant.ts'

/** The account PostgreSQL runs under; undefined ids mean the manager's own. */
export interface Account {
  uid?: number
  gid?: number
}

/** Where initdb finds the programs of the system that it runs. */
const SYSTEM_PATH = '/usr/local/bin:/usr/bin:/bin'

/** The uid of `nobody` on Debian, Alpine and Red Hat. */
const NOBODY = 65_534
/** Numbers that are assigned to accounts as they are created; one without a name is nobody's. */
const NUMBERS = { first: 59_000, count: 1000 }

/**
 * PostgreSQL refuses to run as root: then it runs as the owner of its folder, if an operator gave it to an account; else under
 * a number that is neither an account nor a group, so that no other process has it.
 *
 * @param folder - Where its data is or will be stored.
 */
export async function postgresAccount(folder: string): Promise<Account> {
  if (process.getuid?.() !== 0) return {}
  const found = await stat(folder).catch(() => undefined)
  if (found !== undefined && found.uid !== 0 && found.uid !== NOBODY) return { uid: found.uid, gid: found.gid }
  const number = await findFreeNumber()
  return { uid: number, gid: number }
}

/** The account that initdb runs under: it refuses those without a name. The group keeps it apart from other processes of `nobody`. */
export function initdbAccount({ uid, gid }: Account): Account {
  if (uid === undefined || gid === undefined) return {}
  const isNameless = uid === gid && uid >= NUMBERS.first && uid < NUMBERS.first + NUMBERS.count
  return { uid: isNameless ? NOBODY : uid, gid }
}

/** A number that neither an account nor a group has. */
async function findFreeNumber(): Promise<number> {
  const files = await Promise.all(['/etc/passwd', '/etc/group'].map((path) => readFile(path, 'utf8').catch(() => '')))
  const taken = new Set(files.flatMap((text) => text.split('\n').map((line) => Number(line.split(':')[2]))))
  const all = Array.from({ length: NUMBERS.count }, (_, index) => NUMBERS.first + index)
  const free = all.filter((number) => !taken.has(number))
  const chosen = free[randomInt(free.length)]
  invariant(chosen !== undefined, 'a number is free')
  return chosen
}

/** Gives a directory to an account, and to nobody else; not what is in it. */
export async function giveFolder(folder: string, { uid, gid }: Account): Promise<void> {
  if (uid !== undefined && gid !== undefined) await chown(folder, uid, gid)
  await chmod(folder, 0o700)
}

/** Gives a directory with all that is in it to an account. */
export async function giveTree(folder: string, account: Account): Promise<void> {
  const { uid, gid } = account
  if (uid === undefined || gid === undefined) return
  const { ok, output } = await runAs({}, 'chown', ['-R', '-h', '-P', `${uid}:${gid}`, folder])
  if (!ok) throw new Error(`${folder} cannot be given to the account ${uid}: ${output}`)
}

/** Whether a path is a directory (no link) that was given to the account alone. */
export async function isGiven(folder: string, { uid = process.getuid?.() }: Account): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined)
  return found?.isDirectory() === true && found.uid === uid && (found.mode & 0o777) === 0o700
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
