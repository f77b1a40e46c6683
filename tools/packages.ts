import { spawn } from 'node:child_process'
import { access, constants, glob } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** Debian packages that tests and lab need, each with a file that shows that it is there; `*` as in a shell. */
const needed: Record<string, string> = {
  'python3-swift': '/usr/lib/python3/dist-packages/swift/__init__.py',
  'python3-keystone': '/usr/lib/python3/dist-packages/keystone/__init__.py',
  'python3-keystonemiddleware': '/usr/lib/python3/dist-packages/keystonemiddleware/__init__.py',
  postgresql: '/usr/lib/postgresql/*/bin/postgres',
  'postgresql-client': '/usr/lib/postgresql/*/bin/pg_dump',
  'mariadb-server': '/usr/sbin/mariadbd',
  'mariadb-client': 'mariadb-dump',
  'redis-server': 'redis-server',
  'mariadb-backup': 'mariadb-backup',
  pgbackrest: 'pgbackrest',
  influxdb: 'influxd',
  'rabbitmq-server': '/usr/lib/rabbitmq/bin/rabbitmq-server',
  acl: 'setfacl',
  attr: 'setfattr',
  sqlite3: 'sqlite3',
  slapd: 'slapd',
  'ldap-utils': 'ldapmodify',
  'etcd-server': 'etcd',
  'etcd-client': 'etcdctl',
  memcached: 'memcached',
  curl: 'curl',
  bc: 'bc',
  jq: 'jq',
  openssl: 'openssl',
  chromium: 'chromium',
  zstd: 'zstd',
  age: 'age',
  awscli: 'aws',
  prometheus: 'prometheus',
  'prometheus-alertmanager': 'prometheus-alertmanager',
}

/** Packages that some tests need; without them those tests are skipped, and say so. `VERSION` is the one of PostgreSQL. */
const optional: Record<string, string> = {
  'postgresql-VERSION-postgis-3': '/usr/share/postgresql/*/extension/postgis.control',
  'postgresql-VERSION-partman': '/usr/share/postgresql/*/extension/pg_partman.control',
  iproute2: 'ip',
  nftables: 'nft',
  libfaketime: '/usr/lib/*/faketime/libfaketimeMT.so.1',
}

/** Packages of the lab's Ceph, which only some tests need. */
const ceph: Record<string, string> = {
  'ceph-mon': 'ceph-mon',
  'ceph-osd': 'ceph-osd',
  'ceph-common': 'ceph',
  radosgw: 'radosgw',
  'uuid-runtime': 'uuidgen',
  curl: 'curl',
}

/** Packages that `npm run package:test` needs. */
const packaging: Record<string, string> = {
  debhelper: 'dh',
  'dpkg-dev': 'dpkg-buildpackage',
  lintian: 'lintian',
  rpm: 'rpmbuild',
  mmdebstrap: 'mmdebstrap',
  buildah: 'buildah',
  systemd: 'systemd-analyze',
  ruby: 'ruby',
  'golang-go': 'go',
  'golang-github-masterminds-sprig-dev': '/usr/share/gocode/src/github.com/Masterminds/sprig',
  'golang-gopkg-yaml.v3-dev': '/usr/share/gocode/src/gopkg.in/yaml.v3',
}

async function missingOf(packages: Record<string, string>): Promise<string[]> {
  const missing: string[] = []
  for (const [name, sign] of Object.entries(packages)) {
    if (!(sign.startsWith('/') ? await hasMatch(sign) : await isOnPath(sign))) missing.push(name)
  }
  return missing
}

/**
 * Makes sure that the packages are there: installs the missing ones where we are root and the system has apt.
 *
 * @throws {Error} One sentence that says what to install, where we cannot.
 */
export async function ensurePackages(): Promise<void> {
  await ensureInstalled(needed)
  await installOptionalPackages()
}

/** As `ensurePackages`, for the lab's Ceph. */
export async function ensureCephPackages(): Promise<void> {
  await ensureInstalled(ceph)
}

/** As `ensurePackages`, for the tests of packages. */
export async function ensurePackagingPackages(): Promise<void> {
  await ensureInstalled(packaging)
}

/** Installs what can be installed; a failure is printed, since nothing but a few tests depends on it. */
async function installOptionalPackages(): Promise<void> {
  const missing = await missingOf(optional)
  if (missing.length === 0 || process.getuid?.() !== 0 || !(await isOnPath('apt-get'))) return
  const version = await newestMatch('/usr/lib/postgresql/*/bin/postgres', /postgresql\/(\d+)\//)
  const packages = missing.map((name) => name.replace('VERSION', version))
  try {
    await apt('update')
    await apt('install', '--yes', '--no-install-recommends', ...packages)
  } catch (error) {
    console.error(`Tests that need ${packages.join(', ')} are skipped: ${(error as Error).message}`)
  }
}

/** The highest number that the pattern finds in the paths; empty if there is none. */
async function newestMatch(paths: string, pattern: RegExp): Promise<string> {
  const found: number[] = []
  for await (const path of glob(paths)) found.push(Number(path.match(pattern)?.[1]))
  return found.length === 0 ? '' : String(Math.max(...found))
}

async function ensureInstalled(packages: Record<string, string>): Promise<void> {
  const missing = await missingOf(packages)
  if (missing.length === 0) return
  const install = `apt-get install --no-install-recommends ${missing.join(' ')}`
  if (process.getuid?.() !== 0 || !(await isOnPath('apt-get'))) {
    throw new Error(`Programs that the lab needs are missing; on Debian install them as root: ${install}`)
  }
  console.error(`Installing ${missing.join(', ')} ...`)
  await apt('update')
  await apt('install', '--yes', '--no-install-recommends', ...missing)
  const still = await missingOf(packages)
  if (still.length > 0) throw new Error(`After apt-get install these are still missing: ${still.join(', ')}`)
}

async function hasMatch(pattern: string): Promise<boolean> {
  for await (const _ of glob(pattern)) return true
  return false
}

async function isOnPath(program: string): Promise<boolean> {
  const folders = (process.env.PATH ?? '').split(delimiter).concat('/usr/sbin', '/sbin')
  const found = await Promise.allSettled(folders.map((folder) => access(join(folder, program), constants.X_OK)))
  return found.some((outcome) => outcome.status === 'fulfilled')
}

/** Runs apt-get; its output is shown only if it fails. */
function apt(...args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    // Another apt may run, as on a machine that has just started: wait for its lock.
    const child = spawn('apt-get', ['-o', 'DPkg::Lock::Timeout=300', ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const output: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) return resolve()
      const said = Buffer.concat(output).toString().trim().split('\n').slice(-10).join('\n')
      reject(new Error(`apt-get ${args[0]} failed with exit code ${code}:\n${said}`))
    })
  })
}
