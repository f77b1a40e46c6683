import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BrokeredFixture, startBrokeredFixture } from './drill-fixture.ts'

let brokered: BrokeredFixture

beforeAll(async () => {
  brokered = await startBrokeredFixture()
})
afterAll(() => brokered[Symbol.asyncDispose]())

const POLL = { timeout: 240_000, interval: 100 }
const nothing = { databases: [], roles: [] }
const checks = [{ name: 'orders', statement: 'SELECT count(*), max(id) FROM app.orders', expected: '42\t42' }]

test('a drill restores into an instance that its broker provisions for it, and that is gone afterwards', async () => {
  const { postgresql, broker, targetOf } = brokered
  const { client } = postgresql.fixture
  const plan = await postgresql.createPlan({ target: targetOf('large'), checks })
  await postgresql.backUp(plan.id)
  const job = await postgresql.drill(plan.id)
  expect(job.parts[0]?.error).toBeUndefined()
  expect(job).toMatchObject({ state: 'succeeded', parts: [{ drill: { passed: true, verified: true } }] })
  expect(await broker.databases.list()).toEqual(nothing)
  const [provisioned] = (await client.provisionedInstances.list({ instance: plan.instanceId })).items
  expect(provisioned).toMatchObject({ id: job.drill?.targetInstanceId, purpose: 'drill', state: 'deprovisioned' })
  await expect(client.instances.get(provisioned?.id ?? '')).rejects.toMatchObject({ status: 404 })
  await client.plans.delete(plan.id)
})

test('a drill fails with what its broker answered, and leaves nothing', async () => {
  const { postgresql, broker, targetOf } = brokered
  const plan = await postgresql.createPlan({ target: targetOf('small') })
  await postgresql.backUp(plan.id)
  broker.fail({
    request: 'bind',
    when: 'after',
    act: { kind: 'answer', status: 500, body: { description: 'No more roles.' } },
  })
  const job = await postgresql.drill(plan.id)
  expect(job).toMatchObject({ state: 'failed', drill: { failure: expect.stringContaining('No more roles') } })
  expect(await broker.databases.list()).toEqual(nothing)
  await postgresql.fixture.client.plans.delete(plan.id)
})

test('a drill whose manager is killed while its broker works, or while it restores, ends, and leaves nothing', async () => {
  const { postgresql, broker, targetOf } = brokered
  const { fixture } = postgresql
  const plan = await postgresql.createPlan({ target: targetOf('small'), checks })
  await postgresql.backUp(plan.id)
  for (const step of ['provision', 'restore', 'deprovision'] as const) {
    const before = broker.requests.length
    const held = step === 'restore' ? await postgresql.hold('restore') : undefined
    if (step !== 'restore') broker.fail({ request: step, when: 'after', act: { kind: 'hang' } })
    const { id } = await fixture.client.plans.drill(plan.id)
    const isReached = async () =>
      held === undefined ? broker.requests.slice(before).some(({ isHeld }) => isHeld) : held.reached()
    await expect.poll(isReached, POLL).toBe(true)
    await fixture.manager.kill()
    await fixture.restartManager()
    await held?.release()
    broker.clearFaults()
    const job = await fixture.waitForJob(id)
    expect([step, job.state, job.parts[0]?.error]).toEqual([step, 'succeeded', undefined])
    expect(await broker.databases.list()).toEqual(nothing)
  }
  await fixture.client.plans.delete(plan.id)
})
