import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { until } from '../agent/agent-under-test.ts'
import { createCertificates } from '../fixtures/certificates.ts'
import { awkward } from '../mariadb-pack/awkward-database.ts'
import { MariadbServer, quoted } from '../mariadb-pack/mariadb-server.ts'
import { fileOf, type Login, PackAgent, processArguments, type Target } from './pack-agent.ts'
import { ServiceStandIn } from './service-stand-in.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

/** With the rights that the README names, and no more. */
const copier: Login = { username: 'copier', password: `copier "secret" ' \\ #;` }
let server: MariadbServer
let service: ServiceStandIn
let agent: PackAgent
/** A copy of the server with its awkward database. */
let copy: string
let before: string

beforeAll(async () => {
  server = await MariadbServer.start()
  service = await ServiceStandIn.start({ start: () => server.launch(), stop: () => server.stop() })
  agent = await PackAgent.start('mariadb-backup', { PATH: service.path })
  await server.sql(`CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_czech_ci; CREATE USER 'someone'@'elsewhere';
    CREATE DATABASE ${'`'}odd-näme.x${'`'}; CREATE TABLE ${'`'}odd-näme.x${'`'}.old (t TEXT) ENGINE = MyISAM; INSERT INTO ${'`'}odd-näme.x${'`'}.old VALUES ('ü');
    CREATE USER copier IDENTIFIED BY ${quoted(copier.password)};
    GRANT RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR ON *.* TO copier`)
  await server.sql(awkward, 'shop')
  before = await state()
  const job = await agent.backup(target())
  copy = fileOf(job)
  expect(job.progress?.expected_bytes).toBeGreaterThan(1_000_000)
})
afterAll(async () => {
  await agent?.[Symbol.asyncDispose]()
  await service?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
})

const target = (parameters: Record<string, unknown> = {}, changes: Partial<Target> = {}): Target => ({
  port: server.port,
  database: 'server',
  login: copier,
  parameters: { data_directory: server.data, ...parameters },
  ...changes,
})
const live = { replace: true, service: 'mariadb' }
const state = async () =>
  [
    await server.describe('shop'),
    await server.describe('odd-näme.x'),
    await server.sql('SELECT user, host FROM mysql.user'),
  ].join()
/** What lies beside the data directory: nothing of a restore, after its cleanup. */
const beside = async () => (await readdir(dirname(server.data))).filter((name) => name.startsWith('.')).toSorted()

test('the whole server comes back over live data, with what was created since gone', async () => {
  await server.sql("CREATE DATABASE later; DELETE FROM shop.numbers; CREATE USER 'later'@'%'")
  expect(await state()).not.toBe(before)
  const refused = await agent.restore(target({ service: 'mariadb' }), copy)
  expect(refused).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
  expect(refused.error_message).toMatch(/is not empty.*replace/)
  expect(service.calls).toEqual([])
  const job = await agent.restore(target(live), copy)
  fileOf(job)
  expect(job.verify_errorlog).toContain('runs on the restored data')
  expect(service.calls).toEqual(['stop mariadb', 'start mariadb'])
  expect(await state()).toBe(before)
  expect(await server.sql("SHOW DATABASES LIKE 'later'")).toBe('')
  expect(await beside()).toEqual([])
})

test('a copy is restored into another directory, from which a server starts', async () => {
  const other = await MariadbServer.start()
  try {
    await other.stop()
    const refused = await agent.restore(target({ data_directory: join(dirname(other.data)) }), copy)
    expect(refused.error_message).toMatch(/is not empty/)
    await rm(other.data, { recursive: true })
    const job = await agent.restore(target({ data_directory: other.data }), copy)
    fileOf(job)
    expect((await stat(other.data)).mode & 0o777).toBe(0o700)
    await other.launch()
    expect(await other.describe('shop')).toBe(await server.describe('shop'))
    // Something that is no server's is never replaced, whatever the parameter says.
    const files = join(dirname(other.data), 'files/data')
    await mkdir(files, { recursive: true })
    await writeFile(join(files, 'precious'), '')
    const precious = await agent.restore(target({ data_directory: dirname(files), replace: true }), copy)
    expect(precious.error_message).toMatch(/belongs to root|not the data directory/)
    expect(await readdir(files)).toEqual(['precious'])
  } finally {
    await other[Symbol.asyncDispose]()
  }
})

test.each([
  ['a database', 'shop', {}, /only item is "server"/],
  ['another directory', 'server', { data_directory: '/var/lib/mysql-of-another' }, /set the parameter data_directory/],
])('the check rejects %s', async (_, database, parameters, message) => {
  const job = await agent.backup(target(parameters, { database }))
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'pre-backup-check', filename: '' })
  expect(job.error_message).toMatch(message)
})

test('the check names missing rights, and tables outside of the data directory', async () => {
  await server.sql("CREATE USER few IDENTIFIED BY 'few-secret-1'; GRANT RELOAD, PROCESS ON *.* TO few")
  const login = { username: 'few', password: 'few-secret-1' }
  const few = await agent.backup(target({}, { login }))
  expect(few.error_message).toMatch(/lacks rights.*LOCK TABLES, BINLOG MONITOR/)
  const outside = join(dirname(server.data), 'outside')
  await server.sql(`CREATE TABLE shop.away (i INT PRIMARY KEY) DATA DIRECTORY = '${outside}'`)
  try {
    const job = await agent.backup(target())
    expect(job.error_message).toMatch(/outside of the data directory.*away\.isl/)
  } finally {
    await server.sql('DROP TABLE shop.away')
  }
})

test('mariadb-backup of another series, or older than the server, is refused', async () => {
  for (const version of ['10.6.25', '10.11.1', '11.4.5']) {
    const fake = `#!/bin/sh\necho "mariadb-backup based on MariaDB server ${version}-MariaDB debian-linux-gnu (x86_64)" >&2\n`
    await writeFile(join(service.programs, 'mariadb-backup'), fake, { mode: 0o755 })
    try {
      expect((await agent.backup(target())).error_message).toContain(`of version ${version} and does not suit`)
    } finally {
      await rm(join(service.programs, 'mariadb-backup'))
    }
  }
})

test('a program that ends with 0 and does not say that it completed is a failure', async () => {
  const real = '/usr/bin/mariadb-backup'
  const fake = `#!/bin/sh\n[ "$1" != --version ] || exec ${real} --version\nhead -c 100000 /dev/zero\necho "it went well, almost" >&2\n`
  await writeFile(join(service.programs, 'mariadb-backup'), fake, { mode: 0o755 })
  try {
    const job = await agent.backup(target())
    expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'backup' })
    expect(job.error_message).toContain('did not complete')
  } finally {
    await rm(join(service.programs, 'mariadb-backup'))
  }
})

/** A chunk of an mbstream, and the end of its file. Its checksum is wrong: names are judged before mbstream sees them. */
function file(name: string): Buffer {
  const head = (type: string) => {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(Buffer.byteLength(name))
    return Buffer.concat([Buffer.from(`XBSTCK01\0${type}`), length, Buffer.from(name)])
  }
  const sizes = Buffer.alloc(20)
  sizes.writeBigUInt64LE(1n)
  return Buffer.concat([head('P'), sizes, Buffer.from('x'), head('E')])
}

test('a dump that is cut off, foreign or hostile never costs the live server, which is not even stopped', async () => {
  const whole = await readFile(agent.objectOf(copy))
  const live_ = await state()
  service.calls.length = 0
  const trailer = whole.lastIndexOf('XBSTCK01', whole.lastIndexOf('XBSTCK01') - 1)
  const proof = join(agent.under.root, 'proof')
  const options = Buffer.from(`[mysqld]\nplugin_load=${proof}\n`)
  const forged: [string, Uint8Array, RegExp][] = [
    ['between two chunks', whole.subarray(0, trailer), /not whole/],
    ['in a chunk', whole.subarray(0, Math.floor(whole.length / 2)), /not whole/],
    ['something else', Buffer.from('-- MariaDB dump 10.19\n'), /not the output of mariadb-backup|not whole/],
    ['an absolute name', Buffer.concat([file('/tmp/evil'), whole]), /none of a data directory/],
    ['a name above', Buffer.concat([file('../evil'), whole]), /none of a data directory/],
    ['a name above, hidden', Buffer.concat([file('shop/..'), whole]), /none of a data directory/],
    ['a deep name', Buffer.concat([file('a/b/c'), whole]), /none of a data directory/],
    ['a table elsewhere', Buffer.concat([file('shop/t.isl'), whole]), /outside of the data directory/],
    ['what follows the trailer', Buffer.concat([whole, file('more')]), /goes on after its trailer/],
    ['a file in the way', Buffer.concat([file('osb-backup-complete'), options]), /.+/],
  ]
  for (const [what, content, message] of forged) {
    const job = await agent.restore(target(live), await agent.forge(content, '.mbstream'))
    expect(job, what).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
    expect(job.error_message, what).toMatch(message)
  }
  expect(service.calls).toEqual([])
  expect(await state()).toBe(live_)
  expect(await beside()).toEqual([])
})

test('killed at its worst moments, a restore leaves the old data whole and the server running', async () => {
  await server.sql('UPDATE shop.prices SET price = 77 WHERE id = 1')
  const now = await state()
  for (const line of ['mv -T -- "$FRESH"', 'sync -f']) {
    const job = await agent.cancelRestoreAt({ target: target(live), filename: copy, line })
    expect(job.status, line).not.toBe('SUCCEEDED')
    expect(await beside(), line).toEqual([])
    expect(await state(), line).toBe(now)
  }
  // Verification fails: the old data is given back as well.
  const refuses = (script: string) => script.replace('if [ -d "$REPLACED" ]', 'fail "it does not suit"\n$&')
  await agent.withScript('verify.sh', refuses, async () => {
    const job = await agent.restore(target(live), copy)
    expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'verify' })
  })
  expect(await state()).toBe(now)
  expect(await beside()).toEqual([])
})

test('services of other programs are not stopped, and a server that nobody stops is not replaced', async () => {
  service.calls.length = 0
  const other = await agent.restore(target({ replace: true, service: 'ssh' }), copy)
  expect(other.error_message).toMatch(/must name a unit of MariaDB/)
  const none = await agent.restore(target({ replace: true }), copy)
  expect(none.error_message).toMatch(/a server works in/)
  const relative = await agent.restore(target({ data_directory: 'data', ...live }), copy)
  expect(relative.error_message).toMatch(/must be an absolute path/)
  expect(service.calls).toEqual([])
})

test('a backup that is cancelled leaves no lock and no session, and no secret was in an argument', async () => {
  const real = '/usr/bin/mariadb-backup'
  // The real program, stopped while it runs.
  const slow = `#!/bin/sh\n[ "$1" != --version ] || exec ${real} --version\nexec ${real} "$@" --throttle=1\n`
  await writeFile(join(service.programs, 'mariadb-backup'), slow, { mode: 0o755 })
  try {
    const id = await agent.startBackup(target())
    const sessions = "SELECT count(*) FROM information_schema.processlist WHERE user = 'copier'"
    await until(
      async () => (await server.sql(sessions)) !== '0\n' && processArguments().includes('--stream=mbstream'),
      'it copies',
    )
    expect(processArguments()).not.toContain('copier "secret"')
    await agent.cancel('backup', id)
    await until(async () => (await server.sql(sessions)) === '0\n', 'its session ends')
    await server.sql(
      'CREATE TABLE shop.not_locked (i INT); INSERT INTO shop.not_locked VALUES (1); DROP TABLE shop.not_locked',
    )
  } finally {
    await rm(join(service.programs, 'mariadb-backup'))
  }
})

test('accounts that require TLS are reached over it, if the authority of the parameter has signed the certificate', async () => {
  await server.sql(`CREATE USER secure IDENTIFIED BY 'secure-secret-1' REQUIRE SSL;
    GRANT RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR ON *.* TO secure`)
  const login = { username: 'secure', password: 'secure-secret-1' }
  const at = (parameters: Record<string, unknown>) => agent.backup(target(parameters, { login }))
  expect(await at({ ssl_ca: (await createCertificates()).file('ca.pem') })).toMatchObject({
    status: 'FAILED',
    failed_stage: 'pre-backup-check',
    error_message: expect.stringMatching(/TLS|SSL/),
  })
  fileOf(await at({ ssl_ca: server.ca }))
})

test('the account of then is asked for, if it differs, and the items are the server', async () => {
  expect(await agent.items(target({}, { database: 'none' }))).toEqual({ items: ['server'] })
  await server.sql("ALTER USER copier IDENTIFIED BY 'changed-secret-1'")
  const login = { username: 'copier', password: 'changed-secret-1' }
  const job = await agent.restore(target(live, { login }), copy)
  fileOf(job)
  expect(job.warnings).toMatchObject([{ code: 'accounts-of-the-backup' }])
})
