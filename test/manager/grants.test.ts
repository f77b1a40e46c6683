import { BackupClient } from '@osb-backup/client'
import type { TokenCreate } from '@osb-backup/protocol/v1'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'
import { registerInstance, unreachableAgent } from '../fixtures/register-instance.ts'

let fixture: Fixture

beforeAll(async () => {
  fixture = await startFixture({}, { DELETION_GRACE_HOURS: '24', MAX_TOKEN_LIFETIME_DAYS: '30' })
  await registerInstance(fixture.client, 'theirs', unreachableAgent)
})
afterAll(() => fixture[Symbol.asyncDispose]())

type Access = Partial<Pick<TokenCreate, 'role' | 'instances' | 'permissions' | 'name'>>

/** A client with a token of its own. */
async function clientWith(access: Access) {
  const { id, token } = await fixture.client.tokens.create({
    name: 'test',
    role: 'operator',
    instances: ['i'],
    ...access,
  })
  const client = new BackupClient({ url: fixture.manager.url, token })
  tokens.set(client, token)
  return { id, token, client }
}

const tokens = new WeakMap<BackupClient, string>()

const forbidden = { status: 403, code: 'forbidden' }

describe('an admin of some instances', () => {
  test('grants no more than that', async () => {
    const { client } = await clientWith({ role: 'admin' })
    const token = { name: 'more', role: 'viewer' as const }
    for (const instances of ['all' as const, ['theirs'], ['i', 'theirs']]) {
      await expect(client.tokens.create({ ...token, instances })).rejects.toMatchObject(forbidden)
      const account = { name: 'more', password: 'a password of a broker', instances }
      await expect(client.brokerAccounts.create(account)).rejects.toMatchObject(forbidden)
    }
    const legacy = { method: 'POST', path: '/tokens', body: { ...token, serviceInstances: 'all' } }
    expect((await call(client, legacy)).status).toBe(403)
    await expect(client.tokens.create({ ...token, role: 'broker', instances: [] })).rejects.toMatchObject(forbidden)
    expect(await client.tokens.create({ ...token, instances: ['i'] })).toMatchObject({ instances: ['i'] })
  })

  test("reads and revokes nobody's tokens and accounts beyond that, and no audit entries", async () => {
    const other = await clientWith({ name: 'other', instances: ['theirs'] })
    const everyone = await clientWith({ name: 'everyone', instances: 'all' })
    const account = { name: 'their-broker', password: 'a password of a broker', instances: ['theirs'] }
    await fixture.client.brokerAccounts.create(account)
    const { client } = await clientWith({ role: 'admin', name: 'mine' })
    expect((await client.tokens.list()).items.map(({ name }) => name)).not.toContain('other')
    expect((await client.tokens.list()).items.every(({ instances }) => instances !== 'all')).toBe(true)
    for (const { id } of [other, everyone]) {
      await expect(client.tokens.get(id)).rejects.toMatchObject({ status: 404 })
      await expect(client.tokens.delete(id)).rejects.toMatchObject({ status: 404 })
    }
    expect((await client.brokerAccounts.list()).items).toEqual([])
    await expect(client.brokerAccounts.delete('their-broker')).rejects.toMatchObject({ status: 404 })
    const { password } = account
    const stolen = { method: 'PUT', path: '/brokerAccounts/their-broker', body: { password, serviceInstances: ['i'] } }
    expect((await call(client, stolen)).status).toBe(404)
    const entries = (await client.auditEntries.list()).items
    expect(entries.every(({ instanceId }) => instanceId === 'i')).toBe(true)
    await expect(client.auditEntries.list({ instance: 'theirs' })).rejects.toMatchObject({ status: 404 })
    const legacy = await call(client, { method: 'GET', path: '/audit?size=2000' })
    expect(legacy.text).not.toContain('theirs')
  })

  test('confirms no clock of everybody', async () => {
    const { client } = await clientWith({ role: 'admin' })
    expect((await call(client, { method: 'POST', path: '/v1/clock/confirm', body: {} })).status).toBe(403)
  })

  test('neither reads nor changes the notifications of everybody', async () => {
    const transport = { kind: 'slack', url: 'https://hooks.example.org/everybody' } as const
    const channel = await fixture.client.notificationChannels.create({ name: 'on-call', transport })
    const { id: notificationId } = await fixture.client.notificationChannels.test(channel.id)
    const { client } = await clientWith({ role: 'admin' })
    const path = `/v1/notification-channels/${channel.id}`
    const rerouted = { transport: { kind: 'slack', url: 'https://hooks.example.org/mine' } }
    for (const asked of [
      { method: 'GET', path: '/v1/notification-channels' },
      { method: 'POST', path: '/v1/notification-channels', body: { name: 'mine', transport } },
      { method: 'GET', path },
      { method: 'PATCH', path, body: rerouted },
      { method: 'POST', path: `${path}/test`, body: {} },
      { method: 'DELETE', path },
      { method: 'GET', path: '/v1/notifications' },
      { method: 'GET', path: `/v1/notifications/${notificationId}` },
    ]) {
      const { status, text } = await call(client, asked)
      expect({ ...asked, status }).toEqual({ ...asked, status: 403 })
      expect(text).not.toContain('on-call')
    }
    expect((await fixture.client.notificationChannels.list()).items).toEqual([channel])
    await fixture.client.notificationChannels.delete(channel.id)
  })
})

test('no token lives longer than the operator allows', async () => {
  const days = (count: number) => new Date(Date.now() + count * 86_400_000).toISOString()
  const token = { name: 'long', role: 'viewer' as const, instances: ['i'] }
  await expect(fixture.client.tokens.create({ ...token, expiresAt: days(31) })).rejects.toMatchObject({ status: 400 })
  const { expiresAt = '' } = await fixture.client.tokens.create(token)
  expect(new Date(expiresAt).getTime()).toBeLessThan(Date.now() + 31 * 86_400_000)
})

describe('a broker', () => {
  const hosts = [{ address: '10.0.7.1', port: 5432 }]

  test('registers, declares, changes and deregisters its own instances, and no others', async () => {
    const { client } = await clientWith({ role: 'broker', name: 'broker-1', instances: [] })
    const other = await clientWith({ role: 'broker', name: 'broker-2', instances: [] })
    const agent = await client.agents.create({ ...unreachableAgent, name: 'of the broker' })
    await client.instances.create({ id: 'own', agentId: agent.id, hosts, items: ['own'] })
    expect((await client.instances.list()).items.map(({ id }) => id)).toEqual(['own'])
    expect(await client.instances.update('own', { items: ['own', 'more'] })).toMatchObject({ items: ['own', 'more'] })
    for (const id of ['i', 'theirs']) {
      await expect(client.instances.get(id)).rejects.toMatchObject({ status: 404 })
      await expect(client.instances.delete(id)).rejects.toMatchObject({ status: 404 })
    }
    await expect(other.client.instances.update('own', { items: [] })).rejects.toMatchObject({ status: 404 })
    const body = { hosts: [{ ip: '10.6.6.6' }], agent: unreachableAgent }
    expect((await call(other.client, { method: 'PUT', path: '/serviceInstances/own', body })).status).toBe(404)
    // Another token of the same broker.
    const renewed = await clientWith({ role: 'broker', name: 'broker-1', instances: [] })
    await renewed.client.instances.delete('own')
    // What is left of it is not for anyone who takes its id.
    const again = other.client.instances.create({ id: 'own', agentId: agent.id, hosts })
    await expect(again).rejects.toMatchObject({ status: 404 })
  })

  test('does nothing else', async () => {
    const { client } = await clientWith({ role: 'broker', name: 'broker-3', instances: 'all' })
    for (const path of ['plans', 'jobs', 'destinations', 'tokens', 'audit-entries', 'events', 'overview']) {
      expect([path, (await call(client, { method: 'GET', path: `/v1/${path}` })).status]).toEqual([path, 403])
    }
    expect((await call(client, { method: 'DELETE', path: '/backupPlans/byInstance/theirs' })).status).toBe(204)
  })
})

describe('a stolen token of an operator', () => {
  test('deletes, releases and shortens nothing', async () => {
    const plan = await fixture.createPlan({ retention: { style: 'count', period: 7 } })
    await fixture.runPlan(plan.id)
    const point = await fixture.newestPoint(plan.id)
    await fixture.client.restorePoints.hold(point.id)
    const { client } = await clientWith({})
    const { restorePoints, plans } = client
    await expect(restorePoints.release(point.id)).rejects.toMatchObject(forbidden)
    await expect(restorePoints.delete(point.id)).rejects.toMatchObject(forbidden)
    await expect(plans.update(plan.id, { retention: { style: 'count', period: 1 } })).rejects.toMatchObject(forbidden)
    await expect(plans.update(plan.id, { retention: { style: 'days', period: 7 } })).rejects.toMatchObject(forbidden)
    const legacy = (await fixture.call('GET', `/backupPlans/${plan.id}`)).body
    for (const [method, path, body] of [
      ['POST', `/restorePoints/${point.id}/release`],
      ['DELETE', `/restorePoints/${point.id}`],
      ['DELETE', `/backupJobs/${point.jobId}/file`],
      ['DELETE', `/v1/plans/${plan.id}?files=delete`],
      ['POST', `/v1/destinations/${fixture.destinationId}/reconcile`, { remove: true }],
      ['PATCH', `/backupPlans/${plan.id}`, { ...legacy, retentionPeriod: 1 }],
    ] as const) {
      expect([path, (await call(client, { method, path, body })).status]).toEqual([path, 403])
    }
    await expect(plans.update(plan.id, { retention: { style: 'count', period: 8 } })).resolves.toBeDefined()
    expect(await fixture.client.restorePoints.get(point.id)).toMatchObject({ held: true })
  })

  test('what the permission allows to delete can be undeleted for a while', async () => {
    const plan = await fixture.createPlan()
    const job = await fixture.runPlan(plan.id)
    const point = await fixture.newestPoint(plan.id)
    const { client } = await clientWith({ permissions: ['delete-backups'] })
    expect((await call(client, { method: 'DELETE', path: `/backupJobs/${job.id}/file` })).status).toBe(204)
    expect((await fixture.call('GET', `/backupJobs/${job.id}`)).body.files).toEqual({})
    const { deletion } = await client.restorePoints.get(point.id)
    expect(deletion).toMatchObject({ reason: 'requested', attempts: 0 })
    const graceMs = Date.parse(deletion?.nextAttemptAt ?? '') - Date.parse(deletion?.requestedAt ?? '')
    expect(graceMs).toBe(24 * 3_600_000)
    await expect(client.restorePoints.restore(point.id, {})).rejects.toMatchObject({ status: 409 })
    expect(await client.restorePoints.undelete(point.id)).not.toHaveProperty('deletion')
    expect(Object.keys((await fixture.call('GET', `/backupJobs/${job.id}`)).body.files)).toEqual(['db1'])
    await expect(client.restorePoints.undelete(point.id)).rejects.toMatchObject({ status: 409 })
    await fixture.client.restorePoints.delete(point.id, { force: true })
    expect((await client.restorePoints.get(point.id)).deletion).toMatchObject({ attempts: 0 })
    await client.restorePoints.undelete(point.id)
    const verified = await client.restorePoints.verify(point.id)
    expect((await fixture.waitForJob(verified.id)).state).toBe('succeeded')
  })
})

describe('event streams', () => {
  const openStream = (token: string, path = '/v1/events') =>
    fetch(fixture.manager.url + path, { headers: { authorization: `Bearer ${token}` } })

  test('of a token end when it is revoked', async () => {
    const { id, token } = await clientWith({})
    const streams = await Promise.all([openStream(token), openStream(token, '/events')])
    expect(streams.map(({ status }) => status)).toEqual([200, 200])
    const ended = Promise.all(streams.map((stream) => stream.text()))
    await fixture.client.tokens.delete(id)
    expect((await ended).every((text) => text.startsWith('retry:'))).toBe(true)
    expect((await openStream(token)).status).toBe(401)
  })

  test('are limited for each caller, before anything is done for them', async () => {
    const { token } = await clientWith({})
    const streams = await Promise.all(Array.from({ length: 30 }, () => openStream(token)))
    const statuses = streams.map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(20)
    expect(statuses.filter((status) => status === 429)).toHaveLength(10)
    const other = await clientWith({})
    const stream = await openStream(other.token)
    expect(stream.status).toBe(200)
    await Promise.all([...streams, stream].map((each) => each.body?.cancel()))
    const again = async () => {
      const { status, body } = await openStream(token)
      await body?.cancel()
      return status
    }
    await expect.poll(again).toBe(200)
  })
})

describe('guessing passwords', () => {
  const basic = (name: string, password: string) => `Basic ${btoa(`${name}:${password}`)}`
  const deprovision = (authorization: string) =>
    fetch(`${fixture.manager.url}/backupPlans/byInstance/theirs`, { method: 'DELETE', headers: { authorization } })

  test('at the same time is limited, and the broker still gets in from the same address', async () => {
    const password = 'a password of a broker'
    await fixture.client.brokerAccounts.create({ name: 'guessed', password, instances: ['theirs'] })
    const guesses = Array.from({ length: 300 }, (_, index) => deprovision(basic('guessed', `guess ${index}`)))
    const statuses = (await Promise.all(guesses)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 401)).toHaveLength(10)
    expect(statuses.filter((status) => status === 429)).toHaveLength(290)
    expect((await deprovision(basic('guessed', password))).status).toBe(204)
  })

  test('with varying names delays nobody, and is recorded in few audit entries', async () => {
    const before = (await fixture.client.auditEntries.list({ limit: 500 })).items.length
    const guesses = Array.from({ length: 150 }, (_, index) => deprovision(basic(`name ${index}`, 'guess')))
    await fixture.client.tokens.list()
    await Promise.all(guesses)
    const entries = (await fixture.client.auditEntries.list({ limit: 500 })).items
    expect(entries.length - before).toBeLessThan(10)
    const failed = entries.find(({ caller }) => caller.kind === 'unauthenticated')
    expect(failed).toMatchObject({ status: 401, address: '127.0.0.1', caller: { id: '' } })
    expect(JSON.stringify(entries)).not.toContain('guess 1')
  })
})

/** Calls the API as it is on the wire, with the token of a client. */
function call(client: BackupClient, { method, path, body }: { method: string; path: string; body?: unknown }) {
  const authorization = `Bearer ${tokens.get(client)}`
  return fixture.call(method, path, body, { authorization })
}
