import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { until } from '../agent/agent-under-test.ts'
import { ElasticsearchStandIn, type Index } from './elasticsearch-stand-in.ts'
import { fileOf, PackAgent, processArguments, type Target } from './pack-agent.ts'

// Against a stand-in: `elasticsearch-stand-in.ts` says what that proves.

const index = (documents: string[], changes: Partial<Index> = {}): Index => ({
  documents,
  aliases: {},
  hidden: false,
  ...changes,
})
const backing = '.ds-logs-app-2026.03.01-000001'
let cluster: ElasticsearchStandIn
let agent: PackAgent

beforeAll(async () => {
  cluster = await ElasticsearchStandIn.start()
  agent = await PackAgent.start('elasticsearch')
})
afterAll(async () => {
  await agent?.[Symbol.asyncDispose]()
  await cluster?.[Symbol.asyncDispose]()
})
beforeEach(() => {
  cluster.indices = {
    shop: index(['a', 'b'], { aliases: { search: { filter: { term: { public: true } } } } }),
    other: index(['precious']),
    'größe$1%2f': index(['ü']),
    '.security-7': index(['secret'], { hidden: true }),
    [backing]: index(['line'], { stream: 'logs-app', hidden: true }),
  }
  cluster.snapshots = []
  cluster.faults = []
  cluster.calls.length = 0
  cluster.endsAs = 'SUCCESS'
  cluster.lacksPrivilege = false
  cluster.losesDocuments = false
})

const target = (parameters: Record<string, unknown> = {}, database = 'shop'): Target => ({
  port: cluster.port,
  database,
  login: cluster.login,
  parameters: { repository: 'nightly', keep_days: 0, ...parameters },
})
const names = () => Object.keys(cluster.indices).toSorted()
const callsOf = (start: string) => cluster.calls.filter((call) => call.startsWith(start))

test('an index comes back under its own and other names, and over live data in one step with its aliases', async () => {
  expect(await agent.items(target())).toEqual({ items: ['größe$1%2f', 'logs-app', 'other', 'shop'] })
  const receipt = fileOf(await agent.backup(target()))
  const recorded = JSON.parse(await readFile(agent.objectOf(receipt), 'utf8'))
  expect(recorded).toMatchObject({ repository: 'nightly', indices: ['shop'], documents: 2, item: 'shop' })
  expect(callsOf('PUT /_snapshot/nightly/osb-')[0]).toContain('"include_global_state":false')

  expect((await agent.restore(target(), receipt)).error_message).toMatch(/exists.*replace/)

  for (const round of ['a live index', 'an index behind the alias of a restore']) {
    Object.values(cluster.indices).forEach((one) => {
      if ('search' in one.aliases) one.documents = ['later']
    })
    const job = await agent.restore(target({ replace: true }), receipt)
    fileOf(job)
    expect(job.verify_errorlog).toContain('with 2 documents')
    const restored = names().filter((name) => name.startsWith('shop'))
    expect(restored, round).toEqual([expect.stringMatching(/^shop-restored-[0-9a-f]{12}$/)])
    expect(cluster.indices[restored[0] ?? '']).toMatchObject({
      documents: ['a', 'b'],
      hidden: false,
      aliases: { shop: {}, search: { filter: { term: { public: true } } } },
    })
  }
  expect(await agent.items(target())).toEqual({ items: ['größe$1%2f', 'logs-app', 'other', 'shop'] })
  expect(cluster.indices.other?.documents).toEqual(['precious'])
})

test('a data stream and an awkward name come back; a live data stream is never replaced', async () => {
  const stream = fileOf(await agent.backup(target({}, 'logs-app')))
  expect((await agent.restore(target({ replace: true }, 'logs-app'), stream)).error_message).toMatch(/data stream/)
  expect((await agent.restore(target({ replace: true }), stream)).error_message).toMatch(/cannot replace an index/)
  fileOf(await agent.restore(target({}, 'logs-copy'), stream))
  expect(cluster.indices['.ds-logs-copy-2026.03.01-000001']).toMatchObject({ documents: ['line'], stream: 'logs-copy' })
  const awkward = fileOf(await agent.backup(target({}, 'größe$1%2f')))
  fileOf(await agent.restore(target({}, 'größe$1%2f&'), awkward))
  expect(cluster.indices['größe$1%2f&']?.documents).toEqual(['ü'])
})

test.each<[string, () => Target, RegExp]>([
  ['a pattern', () => target({}, 'sh*'), /cannot be the name/],
  ['a list', () => target({}, 'shop,other'), /cannot be the name/],
  ['date math', () => target({}, '<shop-{now}>'), /cannot be the name/],
  ['what belongs to the cluster', () => target({}, '.security-7'), /cannot be the name/],
  ['all of it', () => target({}, '_all'), /cannot be the name/],
  ['an alias', () => target({}, 'search'), /is an alias/],
  ['an index that is missing', () => target({}, 'nothere'), /no index or data stream/],
  ['another repository', () => target({ repository: 'weekly' }), /repository weekly: status 404/],
  ['several repositories', () => target({ repository: '*' }), /must name one/],
  ['a wrong password', () => ({ ...target(), login: { username: 'backup', password: 'no' } }), /401.*authenticate/],
  [
    'an account without rights',
    () => {
      cluster.lacksPrivilege = true
      return target()
    },
    /lacks the cluster privileges/,
  ],
  [
    'a repository that the nodes cannot use',
    () => {
      cluster.faults = [{ at: /_verify/, kind: 500, times: 9 }]
      return target()
    },
    /cannot use the snapshot repository/,
  ],
  [
    'a cluster that hangs',
    () => {
      cluster.faults = [{ at: /^GET \/$/, kind: 'hang', times: 9 }]
      return target({ request_timeout_seconds: 1 })
    },
    /does not answer/,
  ],
])('the check rejects %s', async (_, wrong, message) => {
  const job = await agent.backup(wrong())
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'pre-backup-check', filename: '' })
  expect(job.error_message).toMatch(message)
  expect(cluster.snapshots).toEqual([])
})

test.each(['PARTIAL', 'FAILED'])('a snapshot that ends %s is a failure, and is deleted', async (state) => {
  cluster.endsAs = state
  const job = await agent.backup(target())
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'backup', filename: '' })
  expect(job.error_message).toContain(state)
  expect(cluster.snapshots).toEqual([])
})

test('a snapshot survives nodes that are away for a moment, and is deleted if it takes too long or is cancelled', async () => {
  const poll = /^GET \/_snapshot\/nightly\/osb-[0-9a-f]+$/
  cluster.faults = [
    { at: poll, kind: 503, times: 1 },
    { at: poll, kind: 'cut', times: 1 },
  ]
  fileOf(await agent.backup(target()))
  cluster.snapshots = []
  cluster.endsAs = 'IN_PROGRESS'
  const slow = await agent.backup(target({ timeout_seconds: 1 }))
  expect(slow.error_message).toMatch(/has not ended within timeout_seconds/)
  expect(cluster.snapshots).toEqual([])

  const foreign = { snapshot: 'foreign', uuid: 'x', state: 'SUCCESS', indices: [], data_streams: [], content: {} }
  cluster.snapshots = [{ ...foreign, start_time_in_millis: 0, metadata: null }]
  cluster.calls.length = 0
  const id = await agent.startBackup(target())
  await until(async () => cluster.calls.some((call) => poll.test(call)), 'the snapshot is awaited')
  expect(processArguments()).not.toContain(`p"a'ss`)
  // The cleanup is repeated while the cluster is away.
  cluster.faults = [{ at: /^DELETE/, kind: 503, times: 1 }]
  await agent.cancel('backup', id)
  await until(async () => cluster.snapshots.length === 1, 'its snapshot is deleted')
  expect(cluster.snapshots[0]?.snapshot).toBe('foreign')
})

test('a later backup deletes old snapshots of its item alone, and never the newest before it', async () => {
  fileOf(await agent.backup(target()))
  const [made] = cluster.snapshots
  if (made === undefined) throw new Error('no snapshot')
  const own = { cluster: 'uuid-of-the-cluster', item: 'shop', job: 'earlier' }
  cluster.snapshots = ['shop', 'shop', 'shop', 'other'].map((item, i) => ({
    ...made,
    snapshot: `osb-${String(i).repeat(32)}`,
    start_time_in_millis: Date.now() - (30 - i) * 86_400_000,
    metadata: { osb_backup: { ...own, item } },
  }))
  const [first, second, third, other] = cluster.snapshots.map(({ snapshot }) => snapshot)
  cluster.faults = [{ at: new RegExp(`^DELETE .*${second}`), kind: 500, times: 1 }]
  const job = await agent.backup(target({ keep_days: 7 }))
  fileOf(job)
  expect(job.warnings).toMatchObject([{ code: 'snapshots-kept' }])
  const left = cluster.snapshots.map(({ snapshot }) => snapshot)
  expect(left).toEqual([second, third, other, expect.any(String)])
  expect(left).not.toContain(first)
})

test('a snapshot that was replaced, and receipts that are forged or cut off, are refused before anything changes', async () => {
  const receipt = fileOf(await agent.backup(target()))
  const text = await readFile(agent.objectOf(receipt), 'utf8')
  const before = names()
  for (const forged of [
    text.slice(0, -1),
    `${text}{}\n`,
    text.replace('"source":"shop"', '"source":"other"'),
    text.replace(/"digest":"./, (found) => `"digest":"${found.endsWith('0') ? '1' : '0'}`),
    text.replace(/"snapshot":"osb-/, '"snapshot":"../../'),
  ]) {
    const job = await agent.restore(target({ replace: true }), await agent.forge(forged, '.snapshot'))
    expect(job, forged).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
  }
  const [snapshot] = cluster.snapshots
  if (snapshot === undefined) throw new Error('no snapshot')
  for (const replaced of [
    { ...snapshot, uuid: 'another' },
    { ...snapshot, start_time_in_millis: 1 },
  ]) {
    cluster.snapshots = [replaced]
    expect((await agent.restore(target({ replace: true }), receipt)).error_message).toMatch(/was replaced/)
  }
  cluster.snapshots = []
  expect((await agent.restore(target({ replace: true }), receipt)).error_message).toMatch(/has no snapshot/)
  expect(callsOf('POST /_snapshot/nightly/osb-')).toEqual([])
  expect(names()).toEqual(before)
})

test('a restore that fails, or is killed before the exchange, leaves the live index and nothing beside it', async () => {
  const receipt = fileOf(await agent.backup(target()))
  const before = names()
  cluster.losesDocuments = true
  for (const item of ['shop', 'copy']) {
    const lossy = await agent.restore(target({ replace: true }, item), receipt)
    expect(lossy.error_message).toMatch(/has 1 documents after the restore; the backup had 2/)
    expect(names()).toEqual(before)
  }
  cluster.losesDocuments = false
  const live = { target: target({ replace: true }), filename: receipt }
  await agent.cancelRestoreAt({ ...live, line: 'request GET "$(encoded "$CONCRETE")/_alias"' })
  expect(names()).toEqual(before)
  cluster.faults = [{ at: /_aliases/, kind: 403, times: 1 }]
  expect((await agent.restore(live.target, receipt)).error_message).toMatch(/was not exchanged/)
  expect(names()).toEqual(before)
  // After the exchange the restored index is the only copy: cleanup keeps it, whether the answer arrived or not.
  cluster.faults = [{ at: /_aliases/, kind: 'cut', times: 1 }]
  expect(await agent.restore(live.target, receipt)).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
  expect(names().filter((name) => name.startsWith('shop'))).toEqual([expect.stringMatching(/^shop-restored-/)])
})
