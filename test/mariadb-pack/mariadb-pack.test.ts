import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type AgentJob, manifestEnding } from '@osb-backup/protocol'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type AgentUnderTest, agentForAll, until } from '../agent/agent-under-test.ts'
import { createCertificates } from '../fixtures/certificates.ts'
import { awkward } from './awkward-database.ts'
import { type Login, MariadbServer, quoted, root } from './mariadb-server.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const pack = join(import.meta.dirname, '../../script-packs/mariadb')
/** An account of the databases alone, as a broker creates it. */
const tenant: Login = { username: 'tenant', password: `tenant"secret' \\ #;` }
const few: Login = { username: 'few', password: 'few-secret-1' }
let server: MariadbServer
let under: AgentUnderTest
let end: () => Promise<void>
let jobs = 0

beforeAll(async () => {
  server = await MariadbServer.start()
  const started = await agentForAll({})
  under = started.under
  end = started.end
  await cp(pack, under.scripts, { recursive: true })
  await server.sql(`CREATE USER tenant IDENTIFIED BY ${quoted(tenant.password)}; CREATE USER 'someone'@'elsewhere';
    GRANT ALL ON shop.* TO tenant; GRANT ALL ON copy.* TO tenant; GRANT ALL ON broken.* TO tenant; GRANT ALL ON slow.* TO tenant;
    CREATE USER few IDENTIFIED BY '${few.password}'; GRANT SELECT ON copy.* TO few;
    CREATE DATABASE mixed; CREATE TABLE mixed.old (i INT) ENGINE = MyISAM; INSERT INTO mixed.old VALUES (1);
    CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_czech_ci`)
  await server.sql(awkward, 'shop')
})
afterAll(async () => {
  await end?.()
  await server?.[Symbol.asyncDispose]()
})

interface Target {
  database: string
  login?: Login
  reader?: Login | undefined
  parameters?: Record<string, unknown>
}

function access({ database, login = tenant, reader, parameters = {} }: Target) {
  const privileged = reader && { backupUsername: reader.username, backupPassword: reader.password }
  return { host: server.host, port: server.port, database, ...login, ...privileged, parameters: [parameters] }
}

const common = (id: string, { bucket } = under) => ({
  id,
  compression: true,
  encryption_key: 'none',
  destination: { type: 'FILE', directory: bucket, filenamePrefix: 'plan/' },
})

async function backup(target: Target, at = under): Promise<AgentJob> {
  const id = `b${++jobs}`
  const database = { ...access({ reader: root, ...target }), type: 'AGENT' }
  const { status, text } = await at.call('POST', '/backup', { ...common(id, at), object_name: id, backup: database })
  expect([status, text]).toEqual([201, ''])
  return at.over('backup', id)
}

async function startRestore(target: Target, filename: string): Promise<string> {
  const id = `r${++jobs}`
  const manifest = await readFile(join(under.bucket, 'plan', filename + manifestEnding)).catch(() => undefined)
  const recorded = manifest === undefined ? {} : { root: createHash('sha256').update(manifest).digest('hex') }
  const { destination, ...body } = common(id)
  const request = { ...body, destination: { ...destination, filename, ...recorded }, restore: access(target) }
  const { status, text } = await under.call('PUT', '/restore', request)
  expect([status, text]).toEqual([201, ''])
  return id
}

const restore = async (target: Target, filename: string) => under.over('restore', await startRestore(target, filename))

/** The object of a job that succeeded. */
function fileOf(job: AgentJob): string {
  const logs = Object.entries(job).filter(([name, value]) => name.endsWith('log') && value !== '')
  expect(job.status, JSON.stringify([job.error_message, logs], undefined, 1)).toBe('SUCCEEDED')
  return job.filename ?? ''
}

test('awkward content comes back under another name and over live data, as the tenant', async () => {
  const before = await server.describe('shop')
  const job = await backup({ database: 'shop' })
  const filename = fileOf(job)
  expect(job.progress?.expected_bytes).toBeGreaterThan(0)
  const copied = await restore({ database: 'copy' }, filename)
  fileOf(copied)
  expect(await server.describe('copy')).toBe(before)
  expect(copied.warnings).toMatchObject([{ code: 'definers', message: expect.stringContaining('someone@elsewhere') }])
  expect(copied.verify_errorlog).toContain('can be read')
  const definers = ['view:table', 'trigger:trigger', 'routine:routine', 'event:event'].map((each) => {
    const [kind, prefix] = each.split(':')
    return `SELECT definer FROM information_schema.${kind}s WHERE ${prefix}_schema = 'copy'`
  })
  expect(await server.sql(definers.join(' UNION '))).toBe('tenant@%\n')

  await server.sql('DELETE FROM shop.numbers; CREATE TABLE shop.not_in_the_dump (i INT); DROP VIEW shop.a_view')
  const live = await server.digest('shop')
  const refused = await restore({ database: 'shop' }, filename)
  expect(refused).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
  expect(refused.error_message).toMatch(/is not empty.*replace/)
  expect(await server.digest('shop')).toBe(live)
  fileOf(await restore({ database: 'shop', parameters: { replace: true } }, filename))
  expect(await server.describe('shop')).toBe(before)
})

test('the digest sees what a dump may lose', async () => {
  const digests = new Set([await server.digest('copy')])
  const collation = 'ALTER DATABASE copy COLLATE utf8mb4_bin'
  const changes = ['DROP TRIGGER second_of_texts', 'DROP EVENT nightly', 'UPDATE prices SET price = 12', collation]
  for (const change of changes) {
    await server.sql(change, 'copy')
    digests.add(await server.digest('copy'))
  }
  expect(digests.size).toBe(changes.length + 1)
})

test('the items are the databases that the account may see', async () => {
  const ask = async (target: Target) => (await under.call('POST', '/items', { backup: access(target) })).json
  expect((await ask({ database: 'none', reader: root })).items).toEqual(['copy', 'mixed', 'shop'])
  expect(await ask({ database: 'none', login: few })).toEqual({ items: ['copy'] })
  const wrong = await ask({ database: 'none', login: { ...few, password: 'wrong-secret-1' } })
  expect(wrong).toMatchObject({ code: 'list_items_failed', error_message: expect.stringContaining('Access denied') })
})

test.each([
  ['TRIGGER', 'SELECT, SHOW VIEW, EVENT, EXECUTE'],
  ['EVENT', 'SELECT, SHOW VIEW, TRIGGER, EXECUTE'],
  ['SHOW VIEW', 'SELECT, EVENT, TRIGGER, EXECUTE'],
  ['SELECT on mysql.proc', 'SELECT, SHOW VIEW, EVENT, TRIGGER'],
])('an account without %s is refused, since its dump would lack something silently', async (missing, rights) => {
  const login = { username: `u${++jobs}`, password: 'reader-secret-1' }
  const { username, password } = login
  await server.sql(`CREATE USER ${username} IDENTIFIED BY '${password}'; GRANT ${rights} ON shop.* TO ${username}`)
  const job = await backup({ database: 'shop', login, reader: undefined })
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'pre-backup-check', filename: '' })
  expect(job.error_message).toContain(missing)
})

test('tables without transactions are refused, locked, or allowed with a warning', async () => {
  expect((await backup({ database: 'mixed' })).error_message).toMatch(/no transactions.*old \(MyISAM\)/)
  fileOf(await backup({ database: 'mixed', parameters: { non_transactional: 'lock' } }))
  const allowed = await backup({ database: 'mixed', parameters: { non_transactional: 'allow' } })
  fileOf(allowed)
  expect(allowed.warnings).toMatchObject([{ code: 'not-transactional' }])
})

test('a client that is older than the server is refused', async () => {
  const old = join(under.root, 'old')
  await mkdir(old)
  const version = 'mysqldump  Ver 10.19 Distrib 10.5.29-MariaDB, for debian-linux-gnu (x86_64)'
  await writeFile(join(old, 'mariadb-dump'), `#!/bin/sh\necho "${version}"\n`, { mode: 0o755 })
  const second = await agentForAll({}, { PATH: `${old}:${process.env.PATH}` })
  try {
    await cp(pack, second.under.scripts, { recursive: true })
    const { error_message } = await backup({ database: 'shop' }, second.under)
    expect(error_message).toMatch(/of version 10\.5 and older than the server/)
  } finally {
    await second.end()
  }
})

test('a dump gets no rights: an account of the whole server executes none, unless it is trusted', async () => {
  const filename = fileOf(await backup({ database: 'shop' }))
  const job = await restore({ database: 'admin_target', login: root }, filename)
  expect(job.error_message).toMatch(/rights on the whole server/)
  expect(await server.sql("SHOW DATABASES LIKE 'admin_target'")).toBe('')
  fileOf(await restore({ database: 'admin_target', login: root, parameters: { trust_dump: true } }, filename))
})

/** Puts a dump of our own where the agent finds it. */
async function forge(content: string): Promise<string> {
  const filename = `forged${++jobs}.sql`
  await mkdir(join(under.bucket, 'plan'), { recursive: true })
  await writeFile(join(under.bucket, 'plan', filename), content)
  return filename
}

test('a dump executes nothing on the machine of the agent, and nothing in other databases', async () => {
  const proof = join(under.root, 'proof')
  const head = '-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB\n'
  const shell = await forge(`${head}\\! touch ${proof}\nsystem touch ${proof}\n-- Dump completed on\n`)
  expect(await restore({ database: 'broken' }, shell)).toMatchObject({ status: 'FAILED' })
  await expect(readFile(proof)).rejects.toMatchObject({ code: 'ENOENT' })
  const other = await forge(`${head}DROP TABLE mixed.old;\n-- Dump completed on\n`)
  expect(await restore({ database: 'broken' }, other)).toMatchObject({ status: 'FAILED' })
  expect(await server.sql('SELECT count(*) FROM mixed.old')).toBe('1\n')
})

test('what is no dump costs no live database, and one that is cut off is no success', async () => {
  const before = await server.digest('shop')
  const none = await restore({ database: 'shop', parameters: { replace: true } }, await forge('SELECT 1;\n'))
  expect(none.error_message).toMatch(/not the output of mariadb-dump/)
  expect(await server.digest('shop')).toBe(before)
  const cut = await restore({ database: 'broken' }, await forge('-- MariaDB dump 10.19\nCREATE TABLE t (i INT);\n'))
  expect(cut).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
  expect(cut.error_message).toMatch(/not whole/)
})

test('verify notices that something of the backup is missing', async () => {
  const filename = fileOf(await backup({ database: 'copy' }))
  const path = join(under.scripts, 'restore.sh')
  const script = await readFile(path, 'utf8')
  await writeFile(path, `${script}\nquery "DROP PROCEDURE $SCHEMA.count_texts"\n`)
  try {
    const job = await restore({ database: 'copy', parameters: { replace: true } }, filename)
    expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'verify' })
  } finally {
    await writeFile(path, script)
  }
})

test('no secret is in an argument, and a restore that is cancelled leaves no session', async () => {
  await server.sql(`CREATE DATABASE slow; USE slow; CREATE TABLE slow.t (i INT PRIMARY KEY, b LONGTEXT);
    INSERT INTO slow.t SELECT seq, repeat('x', 100000) FROM seq_1_to_300`)
  const filename = fileOf(await backup({ database: 'slow' }))
  const id = await startRestore({ database: 'slow', parameters: { replace: true } }, filename)
  await until(async () => {
    const { json } = await under.call('GET', `/restore/${id}`)
    return json.status !== 'RUNNING' || json.progress.bytes_read > 0
  }, 'the restore reads')
  const { stdout } = spawnSync('ps', ['axww', '-o', 'args'], { encoding: 'utf8' })
  expect(stdout).not.toContain('tenant"secret')
  expect(stdout).not.toContain('admin "secret"')
  await under.call('DELETE', '/restore', { id, keep_result: true })
  await under.over('restore', id)
  const sessions = "SELECT count(*) FROM information_schema.processlist WHERE user = 'tenant'"
  await until(async () => (await server.sql(sessions)) === '0\n', 'its session ends')
})

test('accounts that require TLS are reached over it, if the authority of the parameter has signed the certificate', async () => {
  await server.sql(`CREATE DATABASE secured; CREATE TABLE secured.t (i INT PRIMARY KEY); INSERT INTO secured.t VALUES (1), (2);
    CREATE USER secure IDENTIFIED BY 'secure-secret-1' REQUIRE SSL; GRANT ALL ON secured.* TO secure`)
  const before = await server.digest('secured')
  const at = (parameters: Record<string, unknown>) => ({
    database: 'secured',
    login: { username: 'secure', password: 'secure-secret-1' },
    reader: undefined,
    parameters,
  })
  const foreign = (await createCertificates()).file('ca.pem')
  expect(await backup(at({ ssl_ca: foreign }))).toMatchObject({
    status: 'FAILED',
    failed_stage: 'pre-backup-check',
    error_message: expect.stringMatching(/TLS|SSL/),
  })
  const filename = fileOf(await backup(at({ ssl_ca: server.ca })))
  await server.sql('DELETE FROM secured.t')
  fileOf(await restore(at({ ssl_ca: server.ca, replace: true }), filename))
  expect(await server.digest('secured')).toBe(before)
})
