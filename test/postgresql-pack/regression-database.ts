import { execFile } from 'node:child_process'
import { access, chmod, cp, glob, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { labStateFolder } from '../../lab/settings.ts'
import { runRegressionTests } from './regression-schedule.ts'
import { PostgresServer } from './servers.ts'

const run = promisify(execFile)
const MAJOR = 15
const PACKAGE = `postgresql-${MAJOR}`

/** The database that PostgreSQL's own regression tests leave, as dumps that a superuser can restore. */
export interface RegressionDatabase {
  /** What `pg_dumpall --globals-only` printed: the roles that the tests left. */
  globals: string
  /** A dump of `pg_dump --format=custom --create`, of a database of the name `regression`. */
  dump: string
}

/**
 * Builds the database from Debian's source package, or finds it in the lab's state folder where an earlier run left it. Takes
 * about a minute, then nothing.
 *
 * @returns The reason where it cannot be built here: no Debian, no network, no compiler.
 */
export async function regressionDatabase(): Promise<RegressionDatabase | string> {
  const version = await installedVersion()
  if (version === undefined) return `${PACKAGE} of Debian is not installed`
  const folder = join(labStateFolder(), 'postgresql-fixtures', `regression-${version.binary}`)
  const found: RegressionDatabase = { globals: join(folder, 'globals.sql'), dump: join(folder, 'regression.dump') }
  if (await exists(found.dump)) return found
  const missing = await missingProgram(['apt-get', 'dpkg-deb', 'gcc', 'tar', 'bzip2'])
  if (missing !== undefined) return `${missing} is not installed`
  const scratch = await mkdtemp(join(tmpdir(), 'regression-'))
  try {
    await chmod(scratch, 0o755)
    const sources = await download(scratch, version)
    if (typeof sources === 'string') return sources
    await mkdir(folder, { recursive: true })
    // The server's account loads its functions from there, now and whenever the dump is restored.
    for (const path of [labStateFolder(), join(labStateFolder(), 'postgresql-fixtures')]) await chmod(path, 0o711)
    await chmod(folder, 0o755)
    const libraries = join(folder, 'lib')
    await compileLibraries(sources, libraries)
    await build(sources, libraries, found)
    return found
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

interface Version {
  /** Of the binary package, and of the source package. */
  binary: string
  source: string
}

async function installedVersion(): Promise<Version | undefined> {
  try {
    const { stdout } = await run('dpkg-query', [
      '-W',
      '-f',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: placeholders of dpkg-query
      '${db:Status-Abbrev} ${Version} ${source:Version}',
      PACKAGE,
    ])
    const [, binary, source] = stdout.trim().split(/\s+/)
    return binary === undefined || source === undefined ? undefined : { binary, source }
  } catch {
    return undefined
  }
}

interface Sources {
  /** `src/test/regress` of the source package. */
  regress: string
  /** Header files of the server. */
  headers: string
}

/** Downloads the source and the headers of the installed version, with a configuration of apt's own for this. */
async function download(scratch: string, version: Version): Promise<Sources | string> {
  const release = await readFile('/etc/os-release', 'utf8')
  const codename = release.match(/^VERSION_CODENAME=(\w+)$/m)?.[1]
  if (codename === undefined || !/^ID=debian$/m.test(release)) return 'this is no Debian'
  const signed = '[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
  const suites = [
    `http://deb.debian.org/debian ${codename} main`,
    `http://deb.debian.org/debian-security ${codename}-security main`,
  ]
  await writeFile(
    join(scratch, 'sources.list'),
    suites.flatMap((suite) => [`deb ${signed} ${suite}\n`, `deb-src ${signed} ${suite}\n`]).join(''),
  )
  await mkdir(join(scratch, 'lists', 'partial'), { recursive: true })
  await mkdir(join(scratch, 'cache', 'archives', 'partial'), { recursive: true })
  const options = {
    'Dir::Etc::sourcelist': join(scratch, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::State::lists': join(scratch, 'lists'),
    'Dir::Cache': join(scratch, 'cache'),
    'APT::Sandbox::User': 'root',
  }
  const settings = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  const apt = (...args: string[]) => run('apt-get', [...settings, ...args], { cwd: scratch })
  try {
    await apt('update')
    await apt('source', '--download-only', `${PACKAGE}=${version.source}`)
    await apt('download', `postgresql-server-dev-${MAJOR}=${version.binary}`)
  } catch (error) {
    return `apt-get cannot download ${PACKAGE} ${version.source}: ${String(error).split('\n').slice(0, 3).join(' ')}`
  }
  const [archive, headers] = [
    await onlyMatch(scratch, '*.orig.tar.*'),
    await onlyMatch(scratch, 'postgresql-server-dev-*.deb'),
  ]
  await run('tar', ['-xf', archive, '-C', scratch, '--strip-components=1', '--wildcards', '*/src/test/regress'])
  await run('dpkg-deb', ['-x', headers, join(scratch, 'headers')])
  return {
    regress: join(scratch, 'src/test/regress'),
    headers: join(scratch, `headers/usr/include/postgresql/${MAJOR}/server`),
  }
}

async function onlyMatch(folder: string, pattern: string): Promise<string> {
  for await (const name of glob(pattern, { cwd: folder })) return join(folder, name)
  throw new Error(`there is no ${pattern} in ${folder}`)
}

/** Compiles the functions that the tests call, and puts those of contrib beside them. */
async function compileLibraries({ regress, headers }: Sources, libraries: string): Promise<void> {
  await mkdir(libraries, { recursive: true })
  const output = join(libraries, 'regress.so')
  await run('gcc', [
    '-O1',
    '-w',
    '-fPIC',
    '-shared',
    '-D_GNU_SOURCE',
    `-I${headers}`,
    '-o',
    output,
    join(regress, 'regress.c'),
  ])
  for (const name of ['refint.so', 'autoinc.so'])
    await cp(`/usr/lib/postgresql/${MAJOR}/lib/${name}`, join(libraries, name))
}

async function build({ regress }: Sources, libraries: string, result: RegressionDatabase): Promise<void> {
  await using server = await PostgresServer.start({ major: MAJOR, settings: { max_prepared_transactions: '2' } })
  await runRegressionTests(server, regress, libraries)
  const environment = server.environment('regression')
  const { stdout } = await run(join(server.clientPrograms, 'pg_dumpall'), ['--globals-only', '--no-role-passwords'], {
    env: environment,
  })
  await writeFile(result.globals, stdout)
  const half = `${result.dump}.${process.pid}`
  await server.program('pg_dump', ['--format=custom', '--create', '-f', half], 'regression')
  await rename(half, result.dump)
}

/** Restores the database on a server as a superuser, and the roles that it needs. */
export async function restoreRegressionDatabase(
  server: PostgresServer,
  { globals, dump }: RegressionDatabase,
): Promise<void> {
  const roles = (await readFile(globals, 'utf8')).split('\n').filter((line) => line.includes(' regress'))
  await server.sql('postgres', roles.join('\n'))
  await server.program('pg_restore', ['--create', '--exit-on-error', '-d', 'postgres', dump], 'postgres')
}

async function missingProgram(names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const isThere = await run('sh', ['-c', 'command -v "$0"', name]).then(
      () => true,
      () => false,
    )
    if (!isThere) return name
  }
  return undefined
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
