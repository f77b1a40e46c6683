import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { fileOf, type Login, PackAgent, RecordedPrograms, type Target } from './pack-agent.ts'
import { admin, RabbitmqServer } from './rabbitmq-server.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const tenant: Login = { username: 'tenant', password: `tenant "secret" \\ '#1` }
const vhost = 'a/b "c" 100% ü'
/** As `list-items` prints it. */
const item = 'a%2Fb "c" 100%25 ü'
let agent: PackAgent
let server: RabbitmqServer
let recorded: RecordedPrograms

beforeAll(async () => {
  server = await RabbitmqServer.start()
  recorded = await RecordedPrograms.create('curl', 'jq')
  agent = await PackAgent.start('rabbitmq', { PATH: `${recorded.folder}:${process.env.PATH}` })
  await server.call('PUT', 'users/tenant', { password: tenant.password, tags: 'policymaker' })
  for (const name of [vhost, 'copy', 'broken']) await server.createVhost(name, ['tenant'])
  const inVhost = (kind: string, ...names: string[]) => [kind, vhost, ...names].map(encodeURIComponent).join('/')
  const durable = { durable: true }
  await server.call('PUT', inVhost('queues', 'q/1 "x" ü'), {
    ...durable,
    arguments: { 'x-max-length': 5, 'x-odd': 'a "b" \\ c' },
  })
  await server.call('PUT', inVhost('queues', 'quorum'), { ...durable, arguments: { 'x-queue-type': 'quorum' } })
  await server.call('PUT', inVhost('queues', 'passing'), { auto_delete: true })
  await server.call('PUT', inVhost('exchanges', 'e/1'), {
    ...durable,
    type: 'topic',
    arguments: { 'alternate-exchange': 'amq.fanout' },
  })
  await server.call('PUT', inVhost('exchanges', 'inner'), { type: 'fanout', internal: true, auto_delete: false })
  await server.call('POST', inVhost('bindings', 'e', 'e/1', 'q', 'q/1 "x" ü'), {
    routing_key: 'a.#',
    arguments: { x: 1 },
  })
  await server.call('POST', inVhost('bindings', 'e', 'e/1', 'q', 'q/1 "x" ü'), { routing_key: '' })
  await server.call('POST', inVhost('bindings', 'e', 'e/1', 'e', 'inner'), { routing_key: '~ %' })
  await server.call('PUT', inVhost('policies', 'p "1"'), {
    pattern: '^q',
    definition: { 'message-ttl': 5000 },
    'apply-to': 'queues',
  })
})
afterAll(async () => {
  await agent?.[Symbol.asyncDispose]()
  await recorded?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
})

const target = (database: string, changes: Partial<Target> = {}): Target => ({
  ...{ host: server.host, port: server.port, database, login: tenant },
  ...changes,
})
const replacing = { parameters: { replace: true } }
const path = (...names: string[]) => names.map(encodeURIComponent).join('/')

test('definitions come back in another virtual host and over live ones, with the rights of the tenant', async () => {
  const before = await server.describe(vhost)
  const publish = { routing_key: 'quorum', payload: 'x', payload_encoding: 'string', properties: {} }
  await server.call('POST', path('exchanges', vhost, 'amq.default', 'publish'), publish)
  const filename = fileOf(await agent.backup(target(item)))
  fileOf(await agent.restore(target('copy'), filename))
  expect(await server.describe('copy')).toBe(before)

  await server.call('DELETE', path('queues', 'copy', 'q/1 "x" ü'))
  await server.call('PUT', path('queues', 'copy', 'q/1 "x" ü'), { durable: false })
  await server.call('PUT', path('queues', 'copy', 'not in the dump'), { durable: true })
  const live = await server.describe('copy')
  const refused = await agent.restore(target('copy'), filename)
  expect(refused).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
  expect(refused.error_message).toMatch(/differ, so nothing was changed/)
  expect(await server.describe('copy')).toBe(live)
  const replaced = await agent.restore(target('copy', replacing), filename)
  fileOf(replaced)
  expect(replaced.verify_errorlog).toContain('all definitions')
  expect(await server.describe('copy')).toBe(before)
  const programs = await recorded.arguments()
  expect(programs).toMatch(/curl .*--config/)
  expect(programs).not.toContain('secret')
})

test('a backup says that messages are not in it', async () => {
  await server.call('PUT', path('queues', 'copy', 'with messages'), { durable: true })
  const publish = { routing_key: 'with messages', payload: 'x', payload_encoding: 'string', properties: {} }
  await server.call('POST', path('exchanges', 'copy', 'amq.default', 'publish'), publish)
  await expect.poll(async () => (await server.call('GET', path('queues', 'copy', 'with messages'))).messages).toBe(1)
  const job = await agent.backup(target('copy'))
  fileOf(job)
  expect(job.warnings).toMatchObject([
    { code: 'messages-not-included', message: expect.stringContaining('1 messages') },
  ])
})

test('the items are the virtual hosts, and for an administrator the whole broker', async () => {
  const { items } = await agent.items(target('none'))
  expect(items.toSorted()).toEqual([item, 'broken', 'copy'])
  expect((await agent.items(target('none', { login: admin }))).items).toContain('%global')
  const wrong = { ...tenant, password: 'wrong-secret-1' }
  expect(await agent.items(target('none', { login: wrong }))).toMatchObject({ code: 'list_items_failed' })
  expect((await agent.backup(target('copy', { login: wrong }))).error_message).toMatch(/not_authorised|401/)
  expect((await agent.backup(target('none'))).error_message).toMatch(/no virtual host none/)
})

test('an account that does not see policies is refused, since its dump would lack them silently', async () => {
  await server.call('PUT', 'users/few', { password: 'few-secret-1', tags: 'management' })
  await server.call('PUT', path('permissions', 'copy', 'few'), { configure: '.*', write: '.*', read: '.*' })
  const job = await agent.backup(target('copy', { login: { username: 'few', password: 'few-secret-1' } }))
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'pre-backup-check', filename: '' })
})

test('what is no whole dump, or wants more than the tenant may do, is no success', async () => {
  const dump = await readFile(agent.objectOf(fileOf(await agent.backup(target(item)))), 'utf8')
  const before = await server.describe('broken')
  const definitions = JSON.parse(dump)
  const users = [{ name: 'intruder', password_hash: 'x', tags: 'administrator' }]
  for (const content of [dump.slice(0, -20), '', '{}', dump + dump, JSON.stringify({ ...definitions, users })]) {
    const job = await agent.restore(target('broken'), await agent.forge(content || ' ', '.json'))
    expect(job, content).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
    expect(await server.describe('broken')).toBe(before)
  }
  const parameters = [{ component: 'vhost-limits', name: 'limits', value: { 'max-queues': 1_000_000 } }]
  const queues = [{ name: '..', durable: true, auto_delete: false, arguments: { 'x-max-length': -1 } }]
  for (const more of [{ parameters }, { queues }]) {
    const forged = JSON.stringify({ ...definitions, ...more })
    const job = await agent.restore(target('broken', replacing), await agent.forge(forged, '.json'))
    expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
  }
})

test('an administrator restores only what is trusted, and an import that keeps existing objects is no success', async () => {
  const filename = fileOf(await agent.backup(target(item)))
  const asAdmin = target('copy', { login: admin })
  expect((await agent.restore(asAdmin, filename)).error_message).toMatch(/is an administrator.*trust_dump/)
  const broker = target('%global', { login: admin, parameters: { trust_dump: true } })
  expect((await agent.restore(broker, filename)).error_message).toMatch(/of another kind/)
  const whole = fileOf(await agent.backup(broker))
  const before = await server.describe()
  await server.call('DELETE', 'users/few')
  await server.call('DELETE', path('queues', vhost, 'quorum'))
  fileOf(await agent.restore(broker, whole))
  expect(await server.describe()).toBe(before)
  await server.call('DELETE', path('queues', vhost, 'q/1 "x" ü'))
  await server.call('PUT', path('queues', vhost, 'q/1 "x" ü'), { durable: false })
  const kept = await agent.restore(broker, whole)
  expect(kept).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
})
