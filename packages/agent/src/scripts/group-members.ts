import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** A directory service that does not answer must not keep the agent from starting. */
const LOOKUP_TIMEOUT_MS = 20_000

interface PasswdEntry {
  name: string
  uid: number
  gid: number
}

/**
 * Whether a group has members besides some accounts. A private group of an account, or one that no account of this machine
 * is in, as Kubernetes assigns to volumes, has none.
 */
export async function hasOtherMembers(gid: number, uids: ReadonlySet<number>): Promise<boolean> {
  const accounts = (await entries('passwd')).flatMap(([name = '', , uid, primaryGid]): PasswdEntry[] =>
    uid === undefined ? [] : [{ name, uid: Number(uid), gid: Number(primaryGid) }],
  )
  const uidOf = new Map(accounts.map(({ name, uid }) => [name, uid]))
  const groups = (await entries('group', String(gid))).filter(([, , id]) => Number(id) === gid)
  const added = groups.flatMap(([, , , members = '']) => members.split(',').filter((name) => name !== ''))
  const primary = accounts.filter((account) => account.gid === gid).map(({ uid }) => uid)
  return [...primary, ...added.map((name) => uidOf.get(name))].some((uid) => uid === undefined || !uids.has(uid))
}

/** The entries of a database of accounts; where the directory service fails, those of this machine. */
async function entries(database: 'passwd' | 'group', key?: string): Promise<string[][]> {
  const parameters = key === undefined ? [database] : [database, '--', key]
  const options = { timeout: LOOKUP_TIMEOUT_MS, killSignal: 'SIGKILL', maxBuffer: 64 * 1024 * 1024 } as const
  const text = await run('getent', parameters, options).then(
    ({ stdout }) => stdout,
    () => readFile(`/etc/${database}`, 'utf8').catch(() => ''),
  )
  return text.split('\n').map((line) => line.trim().split(':'))
}
