import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { until } from '../agent/agent-under-test.ts'
import { fileOf, type Login, PackAgent, RecordedPrograms, type Target } from './pack-agent.ts'
import { admin, RedisServer } from './redis-server.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

let agent: PackAgent
let recorded: RecordedPrograms
/** With an append-only file, as the source and as a target that has data. */
let live: RedisServer
/** With dump.rdb alone. */
let fresh: RedisServer

const reader: Login = { username: 'reader', password: 'reader-secret-1' }
const restorer: Login = { username: 'restorer', password: 'restorer-secret-1' }
/** As the README of the pack says. */
const rights = '+ping +info +config|get +config|set +client|id +client|list +replicaof +restore +bgsave +select +dbsize'
const at = ({ host, port }: RedisServer, changes: Partial<Target> = {}): Target => ({
  ...{ host, port, database: 'server', login: admin },
  ...changes,
})
const replacing = { parameters: { replace: true } }

beforeAll(async () => {
  recorded = await RecordedPrograms.create('redis-cli', 'redis-server')
  agent = await PackAgent.start('redis', { PATH: `${recorded.folder}:${process.env.PATH}` })
  live = await RedisServer.start('appendonly yes', 'databases 20', 'masterauth "own \\"secret\\" of it"')
  fresh = await RedisServer.start('save 3600 1', 'databases 20')
  await live.ask(`ACL SETUSER reader on >${reader.password} +ping +info +sync +psync +replconf`)
  await live.ask(awkward)
  await live.ask(`SET huge ${'x'.repeat(3_000_000)}`)
  await until(async () => (await live.ask('EXISTS gone')).endsWith('0'), 'a key expires')
})
afterAll(async () => {
  await agent?.[Symbol.asyncDispose]()
  await recorded?.[Symbol.asyncDispose]()
  await live?.[Symbol.asyncDispose]()
  await fresh?.[Symbol.asyncDispose]()
})

const awkward = [
  String.raw`SET "binary \x00\xff\r\n \"quoted\" 'key' \xc3\xbc" "\x00\x01\xfe\r\nvalue"`,
  'SET "" "the empty key"',
  'SET number 12345678901234567890',
  'SET expires soon PXAT 4102444800123',
  'SET gone now PX 1',
  'RPUSH list a "" b "\\x00"',
  `RPUSH "long list" ${Array.from({ length: 300 }, (_, i) => `${i}-${'y'.repeat(40)}`).join(' ')}`,
  'SADD set 1 2 3',
  'SADD words a b "c d"',
  'ZADD sorted -inf low 1.5 mid +inf high',
  'HSET hash field value "" "" "\\xff" "\\n"',
  'XADD stream 1-1 field value',
  'XADD stream 2-1 field "other value"',
  'XGROUP CREATE stream workers 0',
  'XREADGROUP GROUP workers one COUNT 1 STREAMS stream >',
  'PFADD visitors a b c',
  'SETBIT bits 1000 1',
  'GEOADD places 13.361389 38.115556 Palermo',
  String.raw`FUNCTION LOAD "#!lua name=tools\nredis.register_function('twice', function(keys, args) return args[1] * 2 end)"`,
  'SELECT 19',
  'SET other database',
].join('\n')

test('everything comes back in a fresh server, which keeps its accounts and settings, also after its restart', async () => {
  const before = await live.digest(['expires'])
  const job = await agent.backup(at(live, { login: reader }))
  const filename = fileOf(job)
  expect(job.progress?.expected_bytes).toBeGreaterThan(3_000_000)
  await fresh.ask('ACL SETUSER application on >application-secret-1 ~app:* +get')
  await fresh.ask(`ACL SETUSER restorer on >${restorer.password} ~osb-backup-probe-* ${rights}`)
  const accounts = await fresh.ask('ACL LIST\nCONFIG GET master*\nCONFIG GET repl-diskless-load')
  const restored = await agent.restore(at(fresh, { login: restorer }), filename)
  fileOf(restored)
  expect(restored.verify_errorlog).toContain('serves')
  expect(await fresh.digest(['expires'])).toBe(before)
  expect(await fresh.ask('FCALL twice 0 21')).toBe('(integer) 42')
  expect(await fresh.ask('ACL LIST\nCONFIG GET master*\nCONFIG GET repl-diskless-load')).toBe(accounts)
  await fresh.kill()
  await fresh.restart()
  expect(await fresh.digest(['expires'])).toBe(before)
})

test('a restore over live data needs a parameter, replaces all of it, and survives a restart with an append-only file', async () => {
  const before = await live.digest(['expires'])
  const filename = fileOf(await agent.backup(at(live)))
  const settings = await live.ask('CONFIG GET master*')
  await live.ask('DEL hash\nSET not-in-the-dump 1\nFUNCTION DELETE tools\nSET number 1')
  const changed = await live.digest(['expires'])
  const refused = await agent.restore(at(live), filename)
  expect(refused).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
  expect(refused.error_message).toMatch(/not empty.*replace/)
  expect(await live.digest(['expires'])).toBe(changed)
  fileOf(await agent.restore(at(live, replacing), filename))
  expect(await live.digest(['expires'])).toBe(before)
  expect(await live.ask('CONFIG GET master*')).toBe(settings)
  await live.kill()
  await live.restart()
  expect(await live.digest(['expires'])).toBe(before)
})

test('the one item is the whole server, and wrong passwords and other names are refused', async () => {
  expect(await agent.items(at(live))).toEqual({ items: ['server'] })
  const wrong = { username: 'reader', password: 'wrong-secret-1' }
  expect(await agent.items(at(live, { login: wrong }))).toMatchObject({ code: 'list_items_failed' })
  const denied = await agent.backup(at(live, { login: wrong }))
  expect(denied).toMatchObject({ status: 'FAILED', failed_stage: 'pre-backup-check', filename: '' })
  expect(denied.error_message).toContain('WRONGPASS')
  expect((await agent.backup(at(live, { database: '0' }))).error_message).toMatch(/as a whole, as the item "server"/)
})

test('a dump that the server refuses, cannot write or breaks off is no success', async () => {
  await live.ask('ACL SETUSER few on >few-secret-1 +ping +info')
  const refused = await agent.backup(at(live, { login: { username: 'few', password: 'few-secret-1' } }))
  expect(refused).toMatchObject({ status: 'FAILED', failed_stage: 'backup', filename: '' })

  const server = await RedisServer.start('repl-diskless-sync no')
  try {
    await server.ask('DEBUG POPULATE 20000 key 100')
    await server.ask(`CONFIG SET dir /proc/${process.pid}`)
    expect(await agent.backup(at(server))).toMatchObject({ status: 'FAILED', failed_stage: 'backup', filename: '' })
    await server.ask('CONFIG SET dir /tmp\nCONFIG SET repl-diskless-sync yes\nCONFIG SET rdb-key-save-delay 500')
    const id = await agent.startBackup(at(server))
    const hasBegun = async () => {
      const { json } = await agent.under.call('GET', `/backup/${id}`)
      return json.status !== 'RUNNING' || json.progress.bytes_read > 0
    }
    await until(hasBegun, 'the dump begins')
    await server.kill()
    expect(await agent.under.over('backup', id)).toMatchObject({ status: 'FAILED', failed_stage: 'backup' })
  } finally {
    await server[Symbol.asyncDispose]()
  }
  const client = '#!/bin/bash\nprintf "REDIS0010 half of it"\n'
  await agent.withScript(
    'backup.sh',
    (script) => script.replace('client --rdb -', `bash -c '${client}'`),
    async () => {
      const half = await agent.backup(at(live))
      expect(half.error_message).toMatch(/not whole/)
    },
  )
})

test('what is no whole dump costs no live data', async () => {
  const before = await live.digest()
  const filename = fileOf(await agent.backup(at(live)))
  const dump = await readFile(agent.objectOf(filename))
  const flipped = Buffer.from(dump)
  flipped[flipped.length - 70] = (flipped[flipped.length - 70] ?? 0) ^ 1
  const newer = Buffer.from(dump)
  newer.write('0099', 5)
  for (const [content, message] of [
    ['-ERR something\r\n', /no dump of Redis/],
    // Where the cut is, depends on the dump: its last bytes may look like an end.
    [dump.subarray(0, dump.length / 2), /not whole|nothing has changed/],
    [flipped, /nothing has changed/],
    [newer, /nothing has changed/],
  ] as const) {
    const job = await agent.restore(at(live, replacing), await agent.forge(content, '.rdb'))
    expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
    expect(job.error_message).toMatch(message)
  }
  expect(await live.digest()).toBe(before)
  expect(await live.info('role')).toBe('master')
})

test('a target that cannot hold or read the data is refused before it loses its own', async () => {
  const filename = fileOf(await agent.backup(at(live)))
  const small = await RedisServer.start('databases 2')
  try {
    await small.ask('SET precious 1')
    const refusal = async () => (await agent.restore(at(small, replacing), filename)).error_message
    expect(await refusal()).toMatch(/nothing has changed/)
    await small.restartWith('databases 20', 'maxmemory 3mb', 'maxmemory-policy allkeys-lru')
    await small.ask('SET precious 1')
    expect(await refusal()).toMatch(/would evict keys/)
    await small.ask('CONFIG SET maxmemory 0')
    await small.ask('ACL SETUSER blind on >blind-secret-1 ~* +@all -restore')
    const blind = { username: 'blind', password: 'blind-secret-1' }
    const job = await agent.restore(at(small, { ...replacing, login: blind }), filename)
    expect(job.error_message).toMatch(/its data was not touched/)
    const soon = (script: string) => script.replace('-lt 60', '-lt 1')
    await agent.withScript('lib/target.sh', soon, async () => {
      const parameters = { replace: true, replication_address: '127.0.0.9:1' }
      const unreachable = await agent.restore(at(small, { parameters }), filename)
      expect(unreachable.error_message).toMatch(/does not reach the machine of the agent/)
    })
    expect(await small.ask('GET precious\nDBSIZE')).toBe('"1"\n(integer) 1')
  } finally {
    await small[Symbol.asyncDispose]()
  }
})

test('a restore that is killed leaves a primary with its settings and whole data, and showed no secret', async () => {
  const filename = fileOf(await agent.backup(at(live)))
  const before = await live.digest()
  await live.ask('SET newer 1')
  const old = await live.digest()
  const settings = await live.ask('CONFIG GET master*\nCONFIG GET repl-diskless-load')
  for (const [line, digest] of [
    ['replicate_from "$SOURCE_HOST"', old],
    ['expected=$(source_server INFO', before],
    ['release_target\n', before],
  ] as const) {
    const target = at(live, replacing)
    const job = await agent.cancelRestoreAt({ target, filename, line }, async () => {
      expect(await live.info('role')).toBe(digest === old ? 'master' : 'slave')
    })
    expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
    expect(await live.info('role')).toBe('master')
    expect(await live.digest()).toBe(digest)
    expect(await live.ask('CONFIG GET master*\nCONFIG GET repl-diskless-load')).toBe(settings)
  }
  expect(await recorded.arguments()).toMatch(/redis-cli .*--rdb -/)
  expect(await recorded.arguments()).not.toContain('secret')
})

test('a server that is restarted during its restore fails it, and is a primary afterwards', async () => {
  const filename = fileOf(await agent.backup(at(live)))
  const line = 'expected=$(source_server INFO'
  const restart = (script: string) =>
    script.replace(line, () => `until [ -e "$BACKUP_DIRECTORY/../continue" ]; do sleep 0.1; done\n${line}`)
  await agent.withScript('restore.sh', restart, async () => {
    const id = await agent.startRestore(at(fresh, replacing), filename)
    await until(async () => (await fresh.info('role')) === 'slave', 'the server replicates')
    await fresh.restart()
    await writeFile(join(agent.under.root, 'restores/continue'), '')
    const job = await agent.under.over('restore', id)
    expect(job.error_message).toMatch(/was restarted|cannot be reached/)
  })
  expect(await fresh.info('role')).toBe('master')
})

test('nodes of clusters, replicas without a primary and restores into replicas are refused', async () => {
  const filename = fileOf(await agent.backup(at(live)))
  const node = await RedisServer.start('cluster-enabled yes')
  const replica = await RedisServer.start('databases 20')
  try {
    expect((await agent.backup(at(node))).error_message).toMatch(/node of a cluster/)
    expect((await agent.restore(at(node), filename)).error_message).toMatch(/node of a cluster/)
    await live.ask('ACL SETUSER replica on >replica-secret-1 +psync +replconf +ping')
    await replica.ask('CONFIG SET masteruser replica\nCONFIG SET masterauth replica-secret-1')
    await replica.ask(`REPLICAOF ${live.host} ${live.port}`)
    await until(async () => (await replica.info('master_link_status')) === 'up', 'the replica has its data')
    fileOf(await agent.backup(at(replica)))
    expect((await agent.restore(at(replica, replacing), filename)).error_message).toMatch(/is a replica of 127/)
    await replica.ask('REPLICAOF 127.0.0.1 1')
    expect((await agent.backup(at(replica))).error_message).toMatch(/lost its primary/)
  } finally {
    await node[Symbol.asyncDispose]()
    await replica[Symbol.asyncDispose]()
  }
})
