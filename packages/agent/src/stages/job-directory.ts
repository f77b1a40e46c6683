import { createHash } from 'node:crypto'
import { constants, lstat, open, readdir, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { err, ok, type Result } from '@osb-backup/core'
import { createDirectory } from '@osb-backup/node'
import type { JobKey } from '../jobs/job-record.ts'
import { type ScriptAccount, succeedsAs } from '../scripts/script-account.ts'
import { type MessageFiles, messageFiles } from '../scripts/script-messages.ts'
import type { AgentSettings } from '../settings/agent-settings.ts'

type Fingerprints = ReadonlyMap<string, string>

/** The directory of one job, `<directory_backup>/<id>` or `<directory_restore>/<id>`. */
export interface JobDirectory {
  path: string
  /** The files that were there before the first stage, left by an earlier job of that id. */
  before: Fingerprints
  /** With which scripts say more than an exit status. */
  messages: MessageFiles
}

/** Regular files that are not hidden, with a fingerprint that shows whether they were written since. */
async function filesIn(path: string): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  for (const name of (await readdir(path)).toSorted()) {
    if (name.startsWith('.')) continue
    const found = await lstat(join(path, name), { bigint: true })
    if (found.isFile()) files.set(name, `${found.ino}/${found.size}/${found.mtimeNs}/${found.ctimeNs}`)
  }
  return files
}

/** The path of a job's directory. */
export function jobDirectoryPath(
  settings: Pick<AgentSettings, 'backupDirectory' | 'restoreDirectory'>,
  { kind, id }: JobKey,
): string {
  return join(kind === 'backup' ? settings.backupDirectory : settings.restoreDirectory, id)
}

/**
 * The directory of the message files. Scripts of form 1 create the directory of their job themselves, so theirs are in
 * another one beside it.
 */
function messagesPath(path: string, form: 1 | 2): string {
  if (form === 2) return path
  const digest = createHash('sha256').update(basename(path)).digest('hex')
  return join(dirname(path), `.messages-${digest.slice(0, 32)}`)
}

/** Describes a job's directory, whether it exists or not. */
export function describeJobDirectory(path: string, form: 1 | 2, account?: ScriptAccount): JobDirectory {
  return { path, before: new Map(), messages: messageFiles(messagesPath(path, form), account) }
}

/**
 * Prepares a job's directory, which only the agent's user may enter. An existing one is kept with its content. With scripts
 * of form 1 it is not created: the published contract leaves that to them, and `mkdir` fails for what exists.
 */
export async function openJobDirectory(path: string, form: 1 | 2, account?: ScriptAccount): Promise<JobDirectory> {
  const directory = messagesPath(path, form)
  await requireOwnDirectory(directory, account)
  await requireOwnDirectory(path, account)
  await createDirectory(directory, 0o700)
  await handOver(directory, account)
  const before = await filesIn(path).catch((error: NodeJS.ErrnoException) => {
    if (form === 1 && error.code === 'ENOENT') return new Map<string, string>()
    throw error
  })
  return { ...describeJobDirectory(path, form, account), before }
}

/** Makes a directory private, for the account of the scripts; not what it may have been exchanged for. */
export async function handOver(path: string, account: ScriptAccount | undefined): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    await directory.chmod(0o700)
    if (account !== undefined) await directory.chown(account.uid, account.gid)
  } finally {
    await directory.close()
  }
}

/** Removes a directory with its content. What scripts of another account left is removed with the rights of that account alone. */
async function removeTree(path: string, account: ScriptAccount | undefined): Promise<void> {
  if (account === undefined) return rm(path, { recursive: true, force: true })
  await succeedsAs(account, 'rm', ['-rf', '--', path])
  await rmdir(path).catch((error: NodeJS.ErrnoException) => {
    // Neither exists, nor is a directory any more.
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
  })
}

/**
 * Checks that a job's directory, if it exists, is no link, and was not put there by another account.
 *
 * @throws If it is unsafe, with advice.
 */
export async function requireOwnDirectory(path: string, account?: ScriptAccount): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => error)
  if (found instanceof Error) {
    if (found.code === 'ENOENT') return
    throw found
  }
  if (found.isSymbolicLink()) {
    throw new Error(`${path} is a symbolic link and not the directory of a job: remove it, or use another id`)
  }
  const owners = [0, process.geteuid?.(), account?.uid]
  if (found.isDirectory() && !owners.includes(found.uid)) {
    throw new Error(`${path} belongs to the account ${found.uid} and not to the agent's: remove it, or use another id`)
  }
}

/**
 * Finds the file that a backup script wrote: the only one, or of several the only one with the expected name. Hidden
 * files, links and files that existed before do not count.
 *
 * @param expected - The name that the script was given, without the type.
 */
export async function findDump({ path, before }: JobDirectory, expected: string): Promise<Result<string>> {
  // The script of another job, or this one, may have replaced it meanwhile.
  if ((await lstat(path).catch(() => undefined))?.isSymbolicLink()) return err(`${path} is a symbolic link`)
  const files = await filesIn(path).catch((error: NodeJS.ErrnoException) => error)
  if (files instanceof Error) {
    const isAbsent = files.code === 'ENOENT'
    return err(isAbsent ? `the script left no file in ${path}` : `${path} cannot be read: ${files.message}`)
  }
  const fresh = [...files].filter(([name, fingerprint]) => before.get(name) !== fingerprint).map(([name]) => name)
  const named = fresh.filter((name) => name === expected || name.startsWith(`${expected}.`))
  const candidates = fresh.length > 1 && named.length > 0 ? named : fresh
  const [dump, ...others] = candidates
  if (dump === undefined) return err(`the script left no file in ${path}`)
  if (others.length > 0) {
    const shown = candidates.slice(0, 10).join(', ')
    return err(`the script left several files in ${path}, so it is not clear which one is the dump: ${shown}`)
  }
  const { size } = await lstat(join(path, dump))
  return size > 0 ? ok(dump) : err(`the script left an empty file: ${join(path, dump)}`)
}

/** Splits the name of a dump: what the script was given, and the type that it added. */
export function splitDumpName(filename: string, expected: string): { base: string; type: string } {
  if (filename.startsWith(expected)) return { base: expected, type: filename.slice(expected.length) }
  const type = /(?:\.tar)?\.[A-Za-z0-9]+$/.exec(filename)?.[0] ?? ''
  return { base: filename.slice(0, filename.length - type.length), type }
}

/** Removes everything that a job left in its directories. */
export async function removeJobDirectory(path: string, account?: ScriptAccount): Promise<void> {
  await removeTree(path, account)
  await removeTree(messagesPath(path, 1), account)
}

/**
 * Removes a job's directory when the job has finished. Files that scripts left in it are removed only if that is
 * allowed; an empty directory always is.
 */
export async function closeJobDirectory(
  { path }: JobDirectory,
  form: 1 | 2,
  { mayDeleteFiles, account }: { mayDeleteFiles: boolean; account?: ScriptAccount | undefined },
): Promise<void> {
  if (form === 1) await removeTree(messagesPath(path, form), account)
  if (mayDeleteFiles) return removeTree(path, account)
  try {
    await rmdir(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOENT') throw error
  }
}
