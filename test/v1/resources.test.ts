import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'

let api: Fixture

beforeAll(async () => {
  api = await startFixture()
})

afterAll(() => api?.[Symbol.asyncDispose]())

const refusal = (status: number, fields: object) => expect.objectContaining({ name: 'ApiError', status, ...fields })

test('the version is open to every caller', async () => {
  const { status, body } = await api.call('GET', '/v1/version', undefined, { authorization: '' })
  expect({ status, body }).toMatchObject({
    status: 200,
    body: { version: expect.stringMatching(/^\d/), clockSkewed: false, apiVersions: ['v1'] },
  })
})

describe('agents', () => {
  test('are checked in the background, and say what they can do', async () => {
    await expect
      .poll(async () => api.client.agents.get(api.agentId), { timeout: 30_000 })
      .toMatchObject({
        state: 'reachable',
        version: expect.any(String),
        capabilities: expect.arrayContaining(['cancel']),
        lastSeenAt: expect.stringMatching(/Z$/),
        passwordSet: true,
        instanceCount: 1,
      })
    expect((await api.client.agents.list({ state: 'reachable' })).items.map(({ id }) => id)).toEqual([api.agentId])
  })

  test('that do not answer are unreachable, with the reason', async () => {
    const { id } = await api.client.agents.create({
      name: 'gone',
      url: 'http://127.0.0.1:9',
      username: 'a',
      password: 'b',
    })
    expect(await api.client.agents.check(id)).toMatchObject({
      state: 'unreachable',
      error: expect.stringContaining('ECONNREFUSED'),
    })
    expect((await api.client.agents.list({ q: 'GON' })).items).toHaveLength(1)
    await api.client.agents.delete(id)
    await expect(api.client.agents.get(id)).rejects.toEqual(refusal(404, { code: 'not-found' }))
  })

  test('require their password when they move to another server, and cannot be deleted while an instance uses them', async () => {
    const { id } = await api.client.agents.create({ url: 'http://127.0.0.1:9', username: 'a', password: 'b' })
    await expect(api.client.agents.update(id, { url: 'http://127.0.0.2:9' })).rejects.toEqual(
      refusal(400, { code: 'invalid-request', field: 'password' }),
    )
    expect(await api.client.agents.update(id, { url: 'http://127.0.0.1:9/', name: 'n' })).toMatchObject({ name: 'n' })
    expect(await api.client.agents.update(id, { name: null })).not.toHaveProperty('name')
    await expect(api.client.agents.delete(api.agentId)).rejects.toEqual(refusal(409, { code: 'conflict' }))
    await api.client.agents.delete(id)
  })
})

describe('instances', () => {
  test('are registered once, changed and deleted', async () => {
    const { client, agentId } = api
    const hosts = [{ address: '10.0.0.6', port: 5432 }]
    const database = { username: 'u', password: 'p' }
    const created = await client.instances.create({ id: 'second', agentId, hosts, database, parameters: { a: 1 } })
    expect(created).toMatchObject({
      hosts: [{ address: '10.0.0.6', port: 5432, backup: false }],
      database: { username: 'u', passwordSet: true, privilegedPasswordSet: false },
      protection: { state: 'unprotected', reason: 'No backup plan covers this instance.' },
    })
    await expect(client.instances.create({ id: 'second', agentId, hosts })).rejects.toEqual(
      refusal(409, { code: 'conflict', field: 'id' }),
    )
    const changed = await client.instances.update('second', { database: { password: null }, parameters: { b: 2 } })
    expect(changed).toMatchObject({ database: { username: 'u', passwordSet: false }, parameters: { a: 1, b: 2 } })
    await expect(client.instances.update('second', { agentId: 'none' })).rejects.toEqual(
      refusal(400, { field: 'agentId' }),
    )
    await client.instances.delete('second')
    await expect(client.instances.get('second')).rejects.toEqual(refusal(404, { code: 'not-found' }))
  })

  test('show their items with the protection of each, and follow it', async () => {
    const plan = await api.createPlan({ items: ['protected', 'other'], schedule: { cron: '@hourly' } })
    const unprotected = await api.client.instances.listItems(instanceId)
    expect(unprotected.items).toContainEqual({
      name: 'protected',
      planIds: [plan.id],
      restorePointCount: 0,
      protection: { state: 'unknown', reason: 'The plan is new and has no restore point yet.', rpoSeconds: 7200 },
    })
    await api.runPlan(plan.id)
    const { items } = await api.client.instances.listItems(instanceId)
    expect(items.find(({ name }) => name === 'protected')).toMatchObject({
      restorePointCount: 1,
      protection: { state: 'protected', newestRestorePointAt: expect.stringMatching(/Z$/) },
    })
    await api.client.plans.update(plan.id, { paused: true })
    expect(await api.client.instances.get(instanceId)).toMatchObject({
      protection: { state: 'at-risk', reason: expect.stringContaining('every plan of the item is paused') },
    })
    expect((await api.client.instances.list({ protection: 'at-risk' })).items).toHaveLength(1)
    expect((await api.client.instances.list({ protection: 'protected' })).items).toEqual([])
    await api.client.plans.delete(plan.id, { files: 'delete' })
  })
})

test('tokens are shown once, listed without themselves and revoked', async () => {
  const created = await api.client.tokens.create({ name: 'once', role: 'viewer', instances: [instanceId] })
  expect(created.token).toMatch(/^osbb_/)
  const listed = await api.client.tokens.get(created.id)
  expect(listed).toEqual({
    id: created.id,
    name: 'once',
    role: 'viewer',
    instances: ['i'],
    createdAt: created.createdAt,
  })
  await api.client.tokens.delete(created.id)
  await expect(api.client.tokens.get(created.id)).rejects.toEqual(refusal(404, { code: 'not-found' }))
})

test('broker accounts are created once, changed and deleted, and audit entries name the caller', async () => {
  const { brokerAccounts, auditEntries } = api.client
  const account = { name: 'broker', password: 'a long enough password', instances: ['i'] }
  expect(await brokerAccounts.create(account)).toMatchObject({ name: 'broker', instances: ['i'], passwordSet: true })
  await expect(brokerAccounts.create(account)).rejects.toEqual(refusal(409, { field: 'name' }))
  expect(await brokerAccounts.update('broker', { instances: 'all' })).toMatchObject({ instances: 'all' })
  await brokerAccounts.delete('broker')
  const { items } = await auditEntries.list({ q: 'broker-accounts', limit: 10 })
  expect(items.map(({ action, status }) => [action, status])).toEqual([
    ['DELETE /v1/broker-accounts/:name', 204],
    ['PATCH /v1/broker-accounts/:name', 200],
    ['POST /v1/broker-accounts', 409],
    ['POST /v1/broker-accounts', 201],
  ])
  expect(items[0]).toMatchObject({
    caller: { kind: 'token', name: 'first admin token' },
    at: expect.stringMatching(/Z$/),
  })
})

test('the overview counts what the caller may see, and says what needs attention', async () => {
  const plan = await api.createPlan({ items: ['never-backed-up'], schedule: { cron: '@hourly' } })
  const overview = await api.client.overview()
  expect(overview.instances.total).toBe(1)
  expect(overview.agents).toMatchObject({ reachable: 1 })
  expect(overview.attention).toContainEqual(
    expect.objectContaining({ instanceId, item: 'never-backed-up', planIds: [plan.id], state: 'unknown' }),
  )
  await api.client.plans.delete(plan.id)
})
