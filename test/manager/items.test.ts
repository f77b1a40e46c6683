import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { BackupClient } from '@osb-backup/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'
import { registerInstance } from '../fixtures/register-instance.ts'

/** Two tenants on one server: both reach it with the account of the shared cluster. */
const cluster = { hosts: [{ address: '10.0.0.9', port: 5432 }], database: { username: 'postgres' } }
let fixture: Fixture

beforeAll(async () => {
  fixture = await startFixture({ restore: 'cat > /dev/null' }, {}, { allowed_databases: 'db1, a*, b*, c*, own, moved' })
  await register('tenant-a', ['a1', 'a_*'])
  await register('tenant-b', ['b1'])
  await register('undeclared')
})
afterAll(() => fixture[Symbol.asyncDispose]())

const register = (id: string, items?: string[]) =>
  registerInstance(fixture.client, id, fixture.agent, { ...cluster, ...(items && { items }) })

/** Creates a plan of an instance, with a destination of its own. */
async function planOf(instanceId: string, items: string[]) {
  const directory = join(fixture.destinations, instanceId)
  await mkdir(directory, { recursive: true })
  const { id } = await fixture.client.destinations.create({
    instanceId,
    name: `files ${Math.random()}`,
    store: { kind: 'file', directory },
  })
  const plan = { instanceId, destinationId: id, items, name: `plan ${Math.random()}` }
  const fields = { schedule: { cron: '0 0 2 29 2 *' }, retention: { style: 'all' as const } }
  return fixture.client.plans.create({ ...plan, ...fields })
}

const refused = { status: 403, code: 'item-not-granted' }

describe('where instances share a database server and an account', () => {
  test.for([
    ['tenant-b', 'a1'],
    ['tenant-b', 'postgres'],
    ['tenant-a', 'b1'],
    ['undeclared', 'a1'],
    ['undeclared', 'anything'],
  ] as const)('%s cannot plan a backup of %s', async ([id, item]) => {
    await expect(planOf(id, [item])).rejects.toMatchObject(refused)
    const legacy = { name: 'legacy', frequency: '0 0 2 29 2 *', retentionStyle: 'ALL', items: [item] }
    const { client } = fixture
    const [{ id: destinationId } = { id: '' }] = (await client.destinations.list({ instance: id })).items
    const body = { ...legacy, serviceInstance: { service_instance_id: id }, fileDestination: { id: destinationId } }
    expect((await fixture.call('POST', '/backupPlans', body)).status).toBe(403)
  })

  test('a plan cannot be changed to the item of another instance', async () => {
    const plan = await planOf('tenant-b', ['b1'])
    await expect(fixture.client.plans.update(plan.id, { items: ['b1', 'a_1'] })).rejects.toMatchObject(refused)
    await expect(fixture.client.plans.update(plan.id, { paused: true })).resolves.toMatchObject({ paused: true })
  })

  test("nothing is restored into another instance's item, over either API", async () => {
    const plan = await planOf('tenant-b', ['b1'])
    const job = await fixture.runPlan(plan.id)
    expect(job.state).toBe('succeeded')
    const point = await fixture.newestPoint(plan.id)
    for (const database of ['a1', 'postgres']) {
      await expect(fixture.client.restorePoints.restore(point.id, { database })).rejects.toMatchObject(refused)
      const items = [{ item: 'b1', database }]
      for (const [path, body] of [
        ['/restore', { backupJob: { id: job.id }, items }],
        [`/restorePoints/${point.id}/restore`, { database }],
      ] as const) {
        expect([path, (await fixture.call('POST', path, body)).status]).toEqual([path, 403])
      }
    }
    const { id } = await fixture.client.restorePoints.restore(point.id, {})
    expect((await fixture.waitForJob(id)).state).toBe('succeeded')
  })

  test('an item belongs to one of them, also if several claim it at the same time', async () => {
    await expect(register('late', ['a_1'])).rejects.toMatchObject({ status: 409 })
    const claims = await Promise.allSettled(['c1', 'c2', 'c3', 'c4'].map((id) => register(id, ['c_*'])))
    expect(claims.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const instance = { service_instance_id: 'late', hosts: [{ ip: '10.0.0.9', port: 5432 }], username: 'postgres' }
    const put = await fixture.call('PUT', '/serviceInstances/late', { ...instance, agent: fixture.agent, items: ['*'] })
    expect(put.status).toBe(409)
    expect(put.text).not.toContain('tenant-a')
  })

  test('a job whose item was withdrawn since fails before its agent is asked', async () => {
    const plan = await planOf('tenant-a', ['a_withdrawn'])
    await fixture.client.instances.update('tenant-a', { items: ['a1'] })
    await expect(fixture.client.plans.run(plan.id)).rejects.toMatchObject(refused)
    // The schedule starts it all the same.
    await fixture.client.plans.update(plan.id, { schedule: { cron: '* * * * * *' } })
    const { client } = fixture
    await expect
      .poll(async () => (await client.jobs.list({ plan: plan.id })).items[0]?.parts[0], { timeout: 60_000 })
      .toMatchObject({ state: 'failed', failureCode: 'item-not-granted' })
    await client.plans.update(plan.id, { paused: true })
    expect(await readdir(join(fixture.destinations, 'tenant-a')).catch(() => [])).not.toContain(plan.id)
    await client.instances.update('tenant-a', { items: ['a1', 'a_*'] })
  })
})

test('the agent has a list of its own, whatever was declared', async () => {
  const plan = await fixture.createPlan({ items: ['forbidden'] })
  const job = await fixture.runPlan(plan.id)
  expect(job.parts[0]).toMatchObject({ state: 'failed', failureCode: 'agent-rejected' })
  expect(job.parts[0]?.error).toContain('allowed_databases')
})

test('the directory of a destination belongs to one instance', async () => {
  await planOf('tenant-a', ['a1'])
  for (const directory of ['tenant-a', 'tenant-a/inner', 'tenant-a/../tenant-a', '']) {
    const store = { kind: 'file' as const, directory: join(fixture.destinations, directory) }
    const stolen = fixture.client.destinations.create({ instanceId: 'tenant-b', name: 'stolen', store })
    await expect(stolen).rejects.toMatchObject({ status: 400, field: 'store.directory' })
  }
})

test('the password of a database is not sent to another host', async () => {
  const { client } = fixture
  const database = { username: 'u', password: 'the password of a database' }
  await registerInstance(client, 'moved', fixture.agent, { hosts: [{ address: '10.0.1.1', port: 5432 }], database })
  const renamed = await client.instances.update('moved', { hosts: [{ address: '10.0.1.1', port: 5432, name: 'x' }] })
  expect(renamed.database.passwordSet).toBe(true)
  const moved = await client.instances.update('moved', { hosts: [{ address: '10.6.6.6', port: 5432 }] })
  expect(moved.database.passwordSet).toBe(false)
  const back = { hosts: [{ address: '10.0.1.1', port: 5432 }], database: { password: database.password } }
  expect((await client.instances.update('moved', back)).database.passwordSet).toBe(true)
  const legacy = { hosts: [{ ip: '10.6.6.6', port: 5432 }], agent: fixture.agent }
  expect((await fixture.call('PUT', '/serviceInstances/moved', legacy)).status).toBe(200)
  expect((await client.instances.get('moved')).database.passwordSet).toBe(false)
})

test('secret parameters are masked in answers, and sent back masked they stay', async () => {
  const { client } = fixture
  const parameters = { api_token: 'an api token', pin: '123456', mode: 'fast', nested: { password: 'nested secret' } }
  await registerInstance(client, 'secretive', fixture.agent, {
    hosts: [{ address: '10.0.1.2', port: 5432 }],
    parameters,
    secretParameters: ['pin'],
  })
  const shown = await client.instances.get('secretive')
  expect(shown.parameters).toEqual({ api_token: '***', pin: '***', mode: 'fast', nested: '***' })
  const answers = [JSON.stringify(shown), (await fixture.call('GET', '/serviceInstances/secretive')).text]
  for (const secret of ['an api token', '123456', 'nested secret']) expect(answers.join()).not.toContain(secret)
  const legacy = (await fixture.call('GET', '/serviceInstances/secretive')).body
  const put = { ...legacy, agent: { ...legacy.agent, password: fixture.agent.password } }
  expect((await fixture.call('PUT', '/serviceInstances/secretive', put)).status).toBe(200)
  expect((await client.instances.update('secretive', { parameters: { mode: 'slow' } })).parameters).toEqual({
    api_token: '***',
    pin: '***',
    mode: 'slow',
    nested: '***',
  })
})

test('an instance with a server of its own needs no declaration, unless the operator forbids that', async () => {
  const plan = await fixture.createPlan({ items: ['db1'] })
  expect((await fixture.runPlan(plan.id)).state).toBe('succeeded')
  await fixture.restartManager({ UNDECLARED_ITEMS: 'forbid', FILE_DESTINATION_ROLE: 'admin' })
  await expect(fixture.createPlan({ items: ['db1'] })).rejects.toMatchObject(refused)
  await fixture.client.instances.update('i', { items: ['db1'] })
  await expect(fixture.createPlan({ items: ['db1'] })).resolves.toMatchObject({ items: ['db1'] })

  // Operators take no directories either: an admin assigns them.
  const { token } = await fixture.client.tokens.create({ name: 'ada', role: 'operator', instances: ['i', 'tenant-a'] })
  const operator = new BackupClient({ url: fixture.manager.url, token })
  const store = { kind: 'file' as const, directory: join(fixture.destinations, 'assigned') }
  const wanted = { instanceId: 'i', name: 'assigned', store }
  const refusal = { status: 403, code: 'forbidden' }
  await expect(operator.destinations.create(wanted)).rejects.toMatchObject(refusal)
  const { id } = await fixture.client.destinations.create(wanted)
  await expect(operator.destinations.update(id, { name: 'renamed' })).resolves.toMatchObject({ name: 'renamed' })
  const moved = { store: { ...store, directory: join(fixture.destinations, 'other') } }
  await expect(operator.destinations.update(id, moved)).rejects.toMatchObject(refusal)
})
