import { readdir, readFile, stat } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { EtcdServer, root } from './etcd-server.ts'
import { fileOf, PackAgent, RecordedPrograms, type Target } from './pack-agent.ts'
import { ServiceStandIn } from './service-stand-in.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

let agent: PackAgent
let server: EtcdServer
let services: ServiceStandIn
let recorded: RecordedPrograms

beforeAll(async () => {
  server = await EtcdServer.start()
  recorded = await RecordedPrograms.create('etcdctl')
  services = await ServiceStandIn.start(server)
  agent = await PackAgent.start('etcd', { PATH: `${recorded.folder}:${services.path}` })
  const lease = / ([0-9a-f]+) granted/.exec(await server.ctl(['lease', 'grant', '100000']))?.[1] ?? ''
  await server.ctl(['put', 'odd "key" ü\n\t', 'value with \u0001 and\nlines'])
  await server.ctl(['put', '--', '-dash', ''])
  await server.ctl(['put', 'leased', 'x', `--lease=${lease}`])
  await server.ctl(['put', 'huge', 'h'.repeat(100_000)])
  for (const value of ['1', '2', '3']) await server.ctl(['put', 'versions', value])
  await server.ctl(['put', 'deleted', 'x'])
  await server.ctl(['del', 'deleted'])
})
afterAll(async () => {
  await agent?.[Symbol.asyncDispose]()
  await recorded?.[Symbol.asyncDispose]()
  await services?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
})

const target = (parameters: Record<string, unknown> = {}, changes: Partial<Target> = {}): Target => ({
  ...{ host: server.host, port: server.port, database: 'server', login: root },
  parameters: { data_directory: server.data, member_name: 'one', peer_url: server.peerUrl, ...parameters },
  ...changes,
})
const replacing = () => target({ replace: true })

test('everything comes back over live data and into an empty directory, and the server runs', async () => {
  const before = await server.describe()
  const job = await agent.backup(target())
  const filename = fileOf(job)
  expect(job.progress?.expected_bytes).toBeGreaterThan(0)
  await server.ctl(['del', 'huge'])
  await server.ctl(['put', 'not in the snapshot', 'x'])
  const live = await server.describe()
  expect((await agent.restore(target(), filename)).error_message).toMatch(/not empty.*replace/)
  expect(await server.describe()).toBe(live)
  expect(services.calls).toEqual([])
  const { mode } = await stat(server.data)
  const restored = await agent.restore(replacing(), filename)
  fileOf(restored)
  expect(restored.verify_errorlog).toContain('answers')
  expect(services.calls).toEqual(['stop etcd', 'start etcd'])
  expect(await server.describe()).toBe(before)
  expect((await stat(server.data)).mode).toBe(mode)
  expect(await readdir(server.folder)).toEqual(['data "dir"'])
})

test('the one item is the whole server', async () => {
  expect(await agent.items(target())).toEqual({ items: ['server'] })
  expect((await agent.backup(target({}, { database: 'registry' }))).error_message).toMatch(/as the item "server"/)
})

test('a snapshot that is cut off, damaged or a copied file costs nothing', async () => {
  const filename = fileOf(await agent.backup(target()))
  const before = await server.describe()
  const calls = services.calls.length
  const snapshot = await readFile(agent.objectOf(filename))
  const flipped = Buffer.from(snapshot)
  flipped[5000] = (flipped[5000] ?? 0) ^ 1
  for (const content of [
    snapshot.subarray(0, -32),
    snapshot.subarray(0, snapshot.length / 2),
    flipped,
    Buffer.from('x'.repeat(544)),
  ]) {
    const job = await agent.restore(replacing(), await agent.forge(content, '.db'))
    expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
    expect(job.error_message).toMatch(/not whole|damaged/)
  }
  expect(services.calls.length).toBe(calls)
  expect(await server.describe()).toBe(before)
})

test('a snapshot that does not fit, or that the client only claims to have taken, is no success', async () => {
  const limit = (script: string) => script.replace('snapshot=', "trap '' XFSZ; ulimit -f 50\nsnapshot=")
  await agent.withScript('backup.sh', limit, async () => {
    expect(await agent.backup(target())).toMatchObject({ status: 'FAILED', failed_stage: 'backup', filename: '' })
  })
  const claim = (script: string) => script.replace('ctl snapshot save "$snapshot"', 'true')
  await agent.withScript('backup.sh', claim, async () => {
    expect((await agent.backup(target())).error_message).toMatch(/no snapshot/)
  })
})

test('a restore that is killed leaves a running server with whole data, and one that cannot start the old data', async () => {
  const filename = fileOf(await agent.backup(target()))
  const restored = await server.describe()
  await server.ctl(['put', 'newer', 'x'])
  const live = await server.describe()
  for (const line of ['stop_server\n', 'mv -T -- "$FRESH" "$DATA"']) {
    await agent.cancelRestoreAt({ target: replacing(), filename, line })
    expect(server.isRunning).toBe(true)
    expect(await server.describe()).toBe(live)
    expect(await readdir(server.folder)).toEqual(['data "dir"'])
  }
  // The first attempt to start it fails, as with data that it cannot use.
  const broken = (script: string) => script.replace('if ! (start_server)', 'if ! (false)')
  await agent.withScript('restore.sh', broken, async () => {
    expect(await agent.restore(replacing(), filename)).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
  })
  expect(await server.describe()).toBe(live)
  await agent.cancelRestoreAt({ target: replacing(), filename, line: 'if ! (start_server)' })
  expect(await server.describe()).toBe(restored)
})

test('with authentication the account needs the role root, no password shows, and accounts come back', async () => {
  await server.ctl(['user', 'add', `root:${root.password}`, '--interactive=false'])
  await server.ctl(['user', 'grant-role', 'root', 'root'])
  await server.ctl(['user', 'add', 'few:few-secret-1'])
  await server.ctl(['auth', 'enable'])
  const before = await server.describe(root)
  const few = { username: 'few', password: 'few-secret-1' }
  expect(await agent.backup(target({}, { login: few }))).toMatchObject({ status: 'FAILED', filename: '' })
  const wrong = { ...root, password: 'wrong-secret-1' }
  expect(await agent.backup(target({}, { login: wrong }))).toMatchObject({ status: 'FAILED', filename: '' })
  expect(await agent.items(target({}, { login: wrong }))).toMatchObject({ code: 'list_items_failed' })
  fileOf(await agent.restore(replacing(), fileOf(await agent.backup(target()))))
  const programs = await recorded.arguments()
  expect(programs).toContain('snapshot save')
  expect(programs).not.toContain('secret')
  expect(await server.describe(root)).toBe(before)
})
