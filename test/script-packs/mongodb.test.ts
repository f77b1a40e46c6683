import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { until } from '../agent/agent-under-test.ts'
import { MongoStandIns, type MongoState } from './mongodb-stand-ins.ts'
import { fileOf, type Login, PackAgent, processArguments, type Target } from './pack-agent.ts'

// Against stand-ins: `mongodb-stand-ins.ts` says what that proves.

const login: Login = { username: 'shop', password: `p"a'ss\\ü %: #{x}` }
const shop = {
  orders: {
    documents: [{ t: '🐘 "x"', n: null }, { t: 'osb-backup mongodb complete archive' }],
    indexes: ['_id_', 't_1'],
  },
  'odd $name': { documents: [], indexes: ['_id_'] },
}
const initial: MongoState = {
  setName: 'rs0',
  password: login.password,
  databases: { shop, other: { precious: { documents: [{ i: 1 }], indexes: ['_id_'] } } },
}
let mongo: MongoStandIns
let agent: PackAgent

beforeAll(async () => {
  mongo = await MongoStandIns.start(initial)
  agent = await PackAgent.start('mongodb', { PATH: mongo.path })
})
afterAll(async () => {
  await agent?.[Symbol.asyncDispose]()
  await mongo?.[Symbol.asyncDispose]()
})
beforeEach(async () => {
  await mongo.write(initial)
  await mongo.calls()
})

const set = { replica_set: 'rs0' }
const target = (parameters: Record<string, unknown> = {}, database = 'shop'): Target => ({
  port: 27017,
  database,
  login,
  parameters,
})

test('a database comes back under its own and another name, and nothing of it is in an argument', async () => {
  const job = await agent.backup(target())
  const dump = fileOf(job)
  expect(job.warnings).toMatchObject([{ code: 'not-one-moment' }])
  const calls = await mongo.calls()
  expect(calls.find(({ program }) => program === 'mongodump')?.args).toEqual([
    expect.stringMatching(/^--config=/),
    '--host=127.0.0.1:27017',
    '--username=shop',
    '--authenticationDatabase=admin',
    '--db=shop',
    '--archive',
  ])
  expect(JSON.stringify(calls.map(({ args }) => args))).not.toContain('p\\"a')

  fileOf(await agent.restore(target({}, 'copy'), dump))
  expect((await mongo.state()).databases).toEqual({ ...initial.databases, copy: shop })
  const refused = await agent.restore(target(), dump)
  expect(refused.error_message).toMatch(/2 collections already.*replace/)
  // What was created since the backup goes as well.
  await mongo.change(({ databases }) => {
    databases.shop = { later: { documents: [], indexes: [] } }
  })
  fileOf(await agent.restore(target({ replace: true }), dump))
  expect((await mongo.state()).databases.shop).toEqual(shop)
  const restores = (await mongo.calls()).filter(({ program }) => program === 'mongorestore')
  expect(restores.map(({ args }) => args.slice(4))).toEqual([
    ['--archive', '--stopOnError', '--drop', '--nsInclude=shop.*', '--nsFrom=shop.*', '--nsTo=copy.*'],
    ['--archive', '--stopOnError', '--drop', '--nsInclude=shop.*'],
  ])
})

test('a whole replica set is dumped with its oplog, and restored only if the dump is trusted', async () => {
  expect(await agent.items(target(set))).toEqual({ items: ['shop', 'other', 'replica.set'] })
  expect(await agent.items(target())).toEqual({ items: ['shop', 'other'] })
  const whole = target(set, 'replica.set')
  const dump = fileOf(await agent.backup(whole))
  const [call] = (await mongo.calls()).filter(({ program }) => program === 'mongodump')
  expect(call?.args).toEqual(expect.arrayContaining(['--oplog', '--host=rs0/127.0.0.1:27017']))
  expect(call?.args.join(' ')).not.toContain('--db')
  const untrusted = await agent.restore(target({ ...set, replace: true }, 'replica.set'), dump)
  expect(untrusted.error_message).toMatch(/trust_dump/)
  fileOf(await agent.restore(target({ ...set, replace: true, trust_dump: true }, 'replica.set'), dump))
  expect((await mongo.calls()).at(-2)?.args).toContain('--oplogReplay')
  expect((await agent.restore(target(), dump)).error_message).toMatch(/of a whole replica set/)
})

test('users and roles are rights: they come with the dump only if it is trusted', async () => {
  const wanted = { users_and_roles: true, replace: true }
  const dump = fileOf(await agent.backup(target(wanted)))
  expect((await mongo.calls()).some(({ args }) => args.includes('--dumpDbUsersAndRoles'))).toBe(true)
  expect((await agent.restore(target(wanted), dump)).error_message).toMatch(/are rights/)
  fileOf(await agent.restore(target({ ...wanted, trust_dump: true }), dump))
  expect((await mongo.calls()).some(({ args }) => args.includes('--restoreDbUsersAndRoles'))).toBe(true)
})

test.each<[string, (state: MongoState) => void, Target, RegExp]>([
  [
    'a standalone server as a whole',
    (state) => delete state.setName,
    target(set, 'replica.set'),
    /no member of a replica set/,
  ],
  ['a whole without its name', () => undefined, target({}, 'replica.set'), /set the parameter replica_set/],
  [
    'another replica set',
    (state) => (state.setName = 'rs1'),
    target(set, 'replica.set'),
    /belongs to the replica set rs1/,
  ],
  ['a router', (state) => (state.isRouter = true), target(), /sharded cluster/],
  ['a database that is not there', () => undefined, target({}, 'nothere'), /no database nothere/],
  ['a database of the server', () => undefined, target({}, 'Admin'), /belongs to the server/],
  ['what would be a pattern', () => undefined, target({}, 'sh*p'), /cannot be the name/],
  ['a wrong password', (state) => (state.password = 'other'), target(), /Authentication failed/],
])('the check rejects %s', async (_, change, wrong, message) => {
  await mongo.change(change)
  const job = await agent.backup(wrong)
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'pre-backup-check', filename: '' })
  expect(JSON.stringify(job)).toMatch(message)
})

test.each(['error-with-0', 'dump-fails'] as const)('a dump with the fault %s is a failure', async (fault) => {
  await mongo.change((state) => {
    state.fault = fault
  })
  expect(await agent.backup(target())).toMatchObject({ status: 'FAILED', failed_stage: 'backup', filename: '' })
})

test('documents that were not restored, a dump that is cut off, and what is no dump, are failures', async () => {
  const dump = fileOf(await agent.backup(target()))
  await mongo.change((state) => {
    state.fault = 'failed-documents'
  })
  const failed = await agent.restore(target({}, 'copy'), dump)
  expect(failed.error_message).toMatch(/ended with 0, but: .* 3 document\(s\) failed/)
  await mongo.write(initial)
  const bytes = await readFile(agent.objectOf(dump))
  // Without a manifest there is no metadata, and nothing says what a dump is of.
  const foreign = await agent.restore(target({ replace: true }), await agent.forge(bytes, '.archive'))
  expect(foreign.error_message).toMatch(/has no metadata/)
  for (const [script, message] of [
    ['head -c -1 |', /trailer is missing/],
    ['head -c 40 |', /trailer is missing/],
    ['sed "s/osb-backup mongodb complete archive  */x/" |', /trailer is missing/],
  ] as const) {
    await agent.withScript(
      'restore.sh',
      (text) => text.replace('cat "$begin" - |', `cat "$begin" - | ${script}`),
      async () => {
        const job = await agent.restore(target({}, 'copy2'), dump)
        expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
        expect(JSON.stringify(job)).toMatch(message)
      },
    )
  }
  await agent.withScript(
    'restore.sh',
    (text) => text.replace('head -c 4 >', 'printf GZIP >'),
    async () => {
      const job = await agent.restore(target({ replace: true }), dump)
      expect(job.error_message).toMatch(/not the output of mongodump/)
    },
  )
  expect((await mongo.state()).databases.shop).toEqual(shop)
})

test('verify notices a collection that is missing, and a restore that is cancelled leaves no process', async () => {
  const dump = fileOf(await agent.backup(target()))
  const loses = (text: string) => `${text}\nask 'database("copy").dropDatabase(); print("end")'\n`
  await agent.withScript('restore.sh', loses, async () => {
    const job = await agent.restore(target({}, 'copy'), dump)
    expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'verify' })
  })
  await mongo.change((state) => {
    state.fault = 'slow-restore'
  })
  const id = await agent.startRestore(target({}, 'slow'), dump)
  const waiting = join(mongo.folder, 'waiting')
  await until(
    () =>
      readFile(waiting).then(
        () => true,
        () => false,
      ),
    'mongorestore reads',
  )
  expect(processArguments()).not.toContain(`p"a'ss`)
  await agent.cancel('restore', id)
  await until(() => !processArguments().includes(`${mongo.folder}/mongorestore`), 'its processes end')
})
