import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { admin, InfluxdbServer } from './influxdb-server.ts'
import { fileOf, PackAgent, processArguments, type Target } from './pack-agent.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const run = promisify(execFile)
const awkward = [
  String.raw`odd\,näme🐘,tag\ one=a\ b\,c,ü=🐘 v=1.5,s="q\"u\\o
te 🐘",b=true,i=9223372036854775807i -1`,
  'odd\\,näme🐘,tag\\ one=x v=-0.000001 1600000000000000000',
  ...Array.from(
    { length: 500 },
    (_, i) => `many,host=h${i % 50} v=${i},s="${'x'.repeat(i)}" ${1_500_000_000_000_000_000 + i * 3_600_000_000_000}`,
  ),
].join('\n')
let server: InfluxdbServer
let agent: PackAgent
let copy: string
let before: string

beforeAll(async () => {
  server = await InfluxdbServer.start()
  agent = await PackAgent.start('influxdb')
  await server.query(String.raw`CREATE DATABASE "sh\"op, x"`)
  await server.query('CREATE DATABASE shop')
  await server.query('CREATE RETENTION POLICY two ON shop DURATION INF REPLICATION 1 SHARD DURATION 10w')
  await server.query(
    'CREATE CONTINUOUS QUERY cq ON shop BEGIN SELECT mean(v) INTO shop.two.m FROM shop.autogen.many GROUP BY time(1h) END',
  )
  await server.query("CREATE USER app WITH PASSWORD 'app-secret-1'; GRANT WRITE ON shop TO app")
  await server.query("CREATE SUBSCRIPTION spy ON shop.autogen DESTINATIONS ALL 'udp://127.0.0.1:9'")
  await server.write('shop', awkward)
  await server.write('shop', awkward, 'two')
  before = await server.describe('shop')
  const job = await agent.backup(target())
  copy = fileOf(job)
})
afterAll(async () => {
  await agent?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
})

const target = (parameters: Record<string, unknown> = {}, changes: Partial<Target> = {}): Target => ({
  port: server.port,
  database: 'shop',
  login: admin,
  parameters: { rpc_address: server.rpcAddress, ...parameters },
  ...changes,
})
const databases = async () => JSON.parse(await server.query('SHOW DATABASES')).results[0].series[0].values.flat()

test('every point comes back under another name, without subscriptions and continuous queries', async () => {
  const database = `new "one", $(touch x)`
  const job = await agent.restore(target({}, { database }), copy)
  fileOf(job)
  expect(await server.describe(database)).toBe(before)
  expect(job.verify_errorlog).toContain('series can be read')
  expect(job.warnings?.map(({ code }) => code).toSorted()).toContain('subscriptions')
  expect(job.warnings?.map(({ code }) => code)).toContain('continuous-queries')
  expect(JSON.stringify(job)).toContain('CREATE CONTINUOUS QUERY cq')
  expect(await server.query('SHOW SUBSCRIPTIONS')).not.toContain('new')
  const again = await agent.restore(target({}, { database }), copy)
  expect(again.error_message).toMatch(/has data.*replace/)
  await server.query(`DROP DATABASE "new \\"one\\", $(touch x)"`)
})

test('over live data it keeps grants and continuous queries, which belong to the server', async () => {
  await server.write('shop', 'later v=1 1')
  await server.query('DROP MEASUREMENT many', 'shop')
  const refused = await agent.restore(target(), copy)
  expect(refused).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
  fileOf(await agent.restore(target({ replace: true }), copy))
  expect(await server.describe('shop')).toBe(before)
  expect(await server.query('SHOW GRANTS FOR app')).toContain('["shop","WRITE"]')
  expect(await server.query('SHOW CONTINUOUS QUERIES')).toContain('CREATE CONTINUOUS QUERY cq ON shop')
  // A database that a broker has created, with nothing in it yet.
  await server.query('CREATE DATABASE fresh')
  await server.query('GRANT READ ON fresh TO app')
  fileOf(await agent.restore(target({}, { database: 'fresh' }), copy))
  expect(await server.describe('fresh')).toBe(before)
  expect(await server.query('SHOW GRANTS FOR app')).toContain('["fresh","READ"]')
  await server.query('DROP DATABASE fresh')
})

test('the items are the databases, and what cannot be restored is refused before it is backed up', async () => {
  expect(await agent.items(target())).toEqual({ items: ['sh"op, x', 'shop'] })
  const login = { username: 'app', password: 'wrong-secret-1' }
  expect(await agent.items(target({}, { login }))).toMatchObject({ code: 'list_items_failed' })
  fileOf(await agent.backup(target({}, { database: 'sh"op, x' })))
  await server.query('CREATE DATABASE "ü"')
  for (const [database, lines] of [
    ['blank', 'a\\ b v=1 1'],
    ['equals', 'a\\=b v=1 1'],
  ] as const) {
    await server.query(`CREATE DATABASE ${database}`)
    await server.write(database, lines)
    const job = await agent.backup(target({}, { database }))
    expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'pre-backup-check' })
    expect(job.error_message).toMatch(/cannot restore measurements/)
  }
  const cases: [Target, RegExp][] = [
    [target({}, { database: 'ü' }), /not ASCII/],
    [target({}, { database: 'nothere' }), /no database nothere/],
    [target({}, { database: '_internal' }), /belongs to the server/],
    [target({ rpc_address: '127.0.0.1:1' }), /does not answer at 127\.0\.0\.1:1/],
    [target({ rpc_address: '$(touch x)' }), /must be host:port/],
    [target({}, { login }), /authorization failed/],
  ]
  for (const [wrong, message] of cases) {
    const job = await agent.backup(wrong)
    expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'pre-backup-check', filename: '' })
    expect(job.error_message).toMatch(message)
  }
})

/** The dump, unpacked, changed, and packed again. */
async function changed(change: (folder: string) => Promise<unknown>, order?: string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'influxdb-dump-'))
  try {
    await run('tar', ['-xf', agent.objectOf(copy), '-C', folder])
    await change(folder)
    const files = order ?? (await readdir(folder))
    const dump = join(folder, 'dump')
    await run('tar', ['-cf', dump, '-C', folder, ...files])
    return await agent.forge(await readFile(dump), '.tar')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

test('a dump that is cut off, or would lead out of its directory, changes nothing', async () => {
  const whole = await readFile(agent.objectOf(copy))
  const now = await server.describe('shop')
  const shardOf = async (folder: string) => (await readdir(folder)).find((name) => name.endsWith('.gz')) ?? ''
  const withShard = (...options: string[]) =>
    changed(async (folder) => {
      const inner = await mkdtemp(join(tmpdir(), 'influxdb-shard-'))
      await writeFile(join(inner, 'evil'), 'x')
      await symlink('/etc', join(inner, 'link'))
      await run('tar', ['-czf', join(folder, await shardOf(folder)), '-P', '-C', inner, ...options])
      await rm(inner, { recursive: true, force: true })
    })
  const forged: [string, string, RegExp][] = [
    ['in the middle', await agent.forge(whole.subarray(0, whole.length / 2), '.tar'), /not whole/],
    ['no archive', await agent.forge('CREATE DATABASE x', '.tar'), /no archive|not whole/],
    ['without a trailer', await changed((folder) => rm(join(folder, 'osb-backup-complete'))), /not whole/],
    ['without a shard', await changed(async (folder) => rm(join(folder, await shardOf(folder)))), /lacks a file/],
    ['without a manifest', await changed((folder) => run('sh', ['-c', `rm "${folder}"/*.manifest`])), /no manifest/],
    ['a link', await changed((folder) => symlink('/etc/passwd', join(folder, 'link'))), /something else than files/],
    ['a directory', await changed((folder) => mkdir(join(folder, 'more'))), /something else than files/],
    ['a shard above', await withShard('--transform=s|evil|../../evil|', 'evil'), /lead out/],
    ['a shard at the root', await withShard('--transform=s|evil|/tmp/evil|', 'evil'), /lead out/],
    ['a shard with a link', await withShard('link'), /lead out/],
  ]
  for (const [what, filename, message] of forged) {
    const job = await agent.restore(target({ replace: true }), filename)
    expect(job, what).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
    expect(job.error_message, what).toMatch(message)
  }
  expect(await server.describe('shop')).toBe(now)
  expect((await databases()).filter((name: string) => name.startsWith('osb_'))).toEqual([])
})

test('killed at its worst moments, a restore leaves the old data, grants and continuous queries', async () => {
  await server.write('shop', 'live v=1 1')
  const now = await server.describe('shop')
  for (const line of [
    'api "DROP DATABASE $(identifier',
    'api "DROP DATABASE $NAME"',
    'import "$copy" "$SOURCE" "$BACKUP_DATABASE"',
    'reinstate\n',
  ]) {
    const job = await agent.cancelRestoreAt({ target: target({ replace: true }), filename: copy, line }, async () => {
      expect(processArguments()).not.toContain('admin "secret"')
    })
    expect(job.status, line).not.toBe('SUCCEEDED')
    expect(await server.describe('shop'), line).toBe(now)
    expect(await server.query('SHOW GRANTS FOR app'), line).toContain('["shop","WRITE"]')
    expect(await server.query('SHOW CONTINUOUS QUERIES'), line).toContain('CREATE CONTINUOUS QUERY cq ON shop')
    expect(
      (await databases()).filter((name: string) => name.startsWith('osb_')),
      line,
    ).toEqual([])
  }
  const refuses = (script: string) => script.replace(': >"$ACCEPTED"', 'fail "it does not suit"')
  await agent.withScript('verify.sh', refuses, async () => {
    const job = await agent.restore(target({ replace: true }), copy)
    expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'verify' })
  })
  expect(await server.describe('shop')).toBe(now)
})

test('a copy that lacks a shard, or comes from another server, is no backup', async () => {
  const other = await InfluxdbServer.start()
  try {
    await other.query('CREATE DATABASE shop')
    await other.write('shop', 'm v=1 1')
    const job = await agent.backup(target({ rpc_address: other.rpcAddress }))
    expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'backup' })
    expect(job.error_message).toMatch(/does .* belong to the server/)
    expect(job.filename).toBe('')
  } finally {
    await other[Symbol.asyncDispose]()
  }
})
