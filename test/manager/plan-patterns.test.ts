import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'
import { registerInstance, unreachableAgent } from '../fixtures/register-instance.ts'

/** The databases of the server are the lines of the file `databases`. */
const server = 'here=$(dirname "$0")/..'
let fixture: Fixture

beforeAll(async () => {
  fixture = await startFixture(
    {
      'list-items': `${server}; cat "$here/databases"`,
      backup: `${server}; grep -qxF "$BACKUP_DATABASE" "$here/databases" && echo "content of $BACKUP_DATABASE"`,
    },
    { AGENT_UNREACHABLE_SECONDS: '5' },
  )
})
afterAll(() => fixture[Symbol.asyncDispose]())

const have = (...names: string[]) =>
  writeFile(join(fixture.folder, 'databases'), names.map((name) => `${name}\n`).join(''))
const run = async (planId: string) => {
  const job = await fixture.runPlan(planId)
  return { job, items: job.parts.map(({ item, state }) => `${item} ${state}`) }
}

test('a new database is covered from the next run on, and what is excluded is not', async () => {
  await have('shop', 'shop_tmp1', 'users')
  const plan = await fixture.createPlan({ items: ['users', '*'], excludedItems: ['*_tmp*'] })
  expect(plan).toMatchObject({ items: ['users', '*'], excludedItems: ['*_tmp*'] })
  expect((await run(plan.id)).items).toEqual(['users succeeded', 'shop succeeded'])
  await have('shop', 'shop_eu', 'users')
  const second = await run(plan.id)
  expect(second.job.state).toBe('succeeded')
  expect(second.items).toEqual(['users succeeded', 'shop succeeded', 'shop_eu succeeded'])
  const plans = await fixture.client.plans.list({ item: 'shop_eu' })
  expect(plans.items.map(({ id }) => id)).toContain(plan.id)
  expect((await fixture.client.plans.list({ item: 'shop_tmp1' })).items.map(({ id }) => id)).not.toContain(plan.id)
})

test('a run that cannot list its items fails, and backs up the items that are named', async () => {
  await have('shop', 'users')
  const plan = await fixture.createPlan({ items: ['users', 'shop*'] })
  await rm(join(fixture.folder, 'databases'))
  await writeFile(join(fixture.folder, 'databases'), 'users\nshop')
  const { job, items } = await run(plan.id)
  expect(job.state).toBe('failed')
  expect(items).toEqual(['users succeeded', 'shop* failed'])
  expect(job.parts[1]?.error).toMatch(/cut off/)
})

test.each([
  ['nothing matches', ['users'], /Nothing that the instance may use matches shop\*/],
  ['a name cannot be backed up', ['shop/1', 'shop2'], /"shop\/1" cannot be backed up under its name/],
])('a run fails where %s', async (_why, databases, message) => {
  await have(...databases)
  const plan = await fixture.createPlan({ items: ['shop*'] })
  const { job } = await run(plan.id)
  expect(job.state).toBe('failed')
  expect(job.parts[0]?.error).toMatch(message)
})

test('a pattern covers nothing but what the instance declared', async () => {
  await have('granted_1', 'granted_2', 'secret')
  await fixture.client.instances.update(instanceId, { items: ['granted_*', 'shop*', 'users'] })
  try {
    const plan = await fixture.createPlan({ items: ['*'] })
    expect((await run(plan.id)).items).toEqual(['granted_1 succeeded', 'granted_2 succeeded'])
    await expect(fixture.createPlan({ items: ['sec*'] })).rejects.toMatchObject({
      status: 403,
      code: 'item-not-granted',
    })
    const { body } = await fixture.call('GET', `/v1/instances/${instanceId}/items`)
    const listed = body.items
      .filter((item: { listed: boolean }) => item.listed)
      .map(({ name }: { name: string }) => name)
    expect(listed).toEqual(['granted_1', 'granted_2'])
  } finally {
    await fixture.client.instances.update(instanceId, { items: null })
  }
})

test('the items of an instance are those that its agent lists too; why it does not is said', async () => {
  await have('users', 'not-planned')
  const { body } = await fixture.call('GET', `/v1/instances/${instanceId}/items`)
  expect(body.listError).toBeUndefined()
  const found = body.items.find(({ name }: { name: string }) => name === 'not-planned')
  expect(found).toMatchObject({ listed: true, planIds: [], protection: { state: 'unprotected' }, restorePointCount: 0 })
  await registerInstance(fixture.client, 'away', unreachableAgent, { hosts: [{ address: '10.0.0.77' }] })
  const away = await fixture.call('GET', '/v1/instances/away/items')
  expect(away.status).toBe(200)
  expect(away.body.listError).toMatch(/did not list the items/)
})

test('a pattern of which nothing was backed up is an item of its own, so that it is not overlooked', async () => {
  const plan = await fixture.createPlan({ items: ['nothing-yet-*'] })
  const { items } = await fixture.client.instances.listItems(instanceId)
  expect(items.find(({ name }) => name === 'nothing-yet-*')).toMatchObject({ planIds: [plan.id], restorePointCount: 0 })
})

test('an exclusion without a pattern is refused', async () => {
  await expect(fixture.createPlan({ items: ['shop'], excludedItems: ['shop'] })).rejects.toMatchObject({
    status: 400,
    field: 'excludedItems',
  })
})

test('an instance names its pack, and a pack that the agent does not have fails the job before anything starts', async () => {
  await have('users')
  const plan = await fixture.createPlan({ items: ['users'] })
  await fixture.client.instances.update(instanceId, { pack: 'small' })
  expect(await fixture.client.instances.get(instanceId)).toMatchObject({ pack: 'small' })
  expect((await run(plan.id)).job.state).toBe('succeeded')
  await fixture.client.instances.update(instanceId, { pack: 'mongodb' })
  const { job } = await run(plan.id)
  expect(job).toMatchObject({ state: 'failed' })
  expect(job.parts[0]?.error).toMatch(/has no script pack "mongodb"/)
  await fixture.client.instances.update(instanceId, { pack: null })
  const { packs } = (await fixture.call('POST', `/v1/agents/${fixture.agentId}/check`)).body
  expect(packs).toMatchObject([{ name: 'small', form: 2, type: '.dump', stages: ['backup', 'list-items'] }])
})
