import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'
import { registerInstance } from '../fixtures/register-instance.ts'

let fixture: Fixture

const scripts = {
  restore: 'cat >"$(dirname "$0")/../restored-$BACKUP_DATABASE"',
  verify: 'grep -q content "$(dirname "$0")/../restored-$BACKUP_DATABASE"',
  'list-items': 'printf "db1\\ndb2\\n"',
}
const target = (instance: string, database?: string) =>
  ({ kind: 'instance', instanceId: instance, ...(database && { database }) }) as const

beforeAll(async () => {
  fixture = await startFixture(scripts)
  const { agentId } = fixture
  const hosts = [{ address: '10.0.0.6', port: 5432 }]
  await fixture.client.instances.create({ id: 'drills', agentId, hosts, drillTarget: true })
})
afterAll(() => fixture[Symbol.asyncDispose]())

const drill = async (planId: string, request = {}) => {
  const { id } = await fixture.client.plans.drill(planId, request)
  return fixture.waitForJob(id)
}

test('items of a pattern are restored one after the other over the database of the target', async () => {
  const plan = await fixture.createPlan({ items: ['db*'], drill: { target: target('drills', 'drill') } })
  await fixture.runPlan(plan.id)
  const job = await drill(plan.id)
  expect(job).toMatchObject({
    state: 'succeeded',
    parts: [
      { item: 'db1', database: 'drill', drill: { passed: true, verified: true } },
      { item: 'db2', database: 'drill', drill: { passed: true, verified: true } },
    ],
  })
  const one = await drill(plan.id, { items: ['db2'], select: 'random' })
  expect(one).toMatchObject({ state: 'succeeded', drill: { select: 'random' }, parts: [{ item: 'db2' }] })
  await expect(drill(plan.id, { items: ['other'] })).rejects.toMatchObject({ status: 400, field: 'items' })
})

test('what the agent cannot do fails the drill before anything is restored', async () => {
  const checks = [{ name: 'one', statement: '1' }]
  const plan = await fixture.createPlan({ drill: { target: target('drills', 'drill'), checks } })
  await fixture.runPlan(plan.id)
  expect((await drill(plan.id)).parts[0]).toMatchObject({
    state: 'failed',
    error: expect.stringMatching(/has no check/),
    drill: { passed: false },
  })
  await fixture.client.plans.update(plan.id, { drill: { target: target('drills'), checks: [] } })
  const own = await fixture.client.plans.update(plan.id, { drill: { target: { kind: 'instance', database: null } } })
  expect(own.drill?.target).toEqual(target('drills'))
  expect((await drill(plan.id)).parts[0]).toMatchObject({
    state: 'failed',
    error: expect.stringMatching(/has no drill-cleanup/),
  })
})

test('an agent that does not know drills is never asked to restore', async () => {
  const requested: string[] = []
  const server = createServer((request, response) => {
    requested.push(`${request.method} ${request.url}`)
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ message: 'fine', version: '0.9.0' }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await registerInstance(
    fixture.client,
    'old',
    { url, username: 'agent', password: 'secret-of-the-agent' },
    { drillTarget: true },
  )
  const plan = await fixture.createPlan({ drill: { target: target('old', 'drill') } })
  await fixture.runPlan(plan.id)
  expect((await drill(plan.id)).parts[0]).toMatchObject({
    state: 'failed',
    error: expect.stringMatching(/version 0\.9\.0, which does not support drills/),
  })
  expect(requested.filter((each) => !each.startsWith('GET /status'))).toEqual([])
  server.close()
})

test('nothing is restored into an instance that is not marked, whoever asks for it', async () => {
  const unmarked = fixture.createPlan({ drill: { target: target(instanceId) } })
  await expect(unmarked).rejects.toMatchObject({ status: 400, field: 'drill.target.instanceId' })
  const { agentId } = fixture
  const hosts = [{ address: '10.0.0.7', port: 5432 }]
  await fixture.client.instances.create({ id: 'late', agentId, hosts, drillTarget: true })
  const plan = await fixture.createPlan({ drill: { target: target('late', 'drill') } })
  await fixture.runPlan(plan.id)
  await fixture.client.instances.update('late', { drillTarget: false })
  const job = await drill(plan.id)
  expect(job).toMatchObject({ state: 'failed', drill: { failure: expect.stringMatching(/not marked/) } })
  expect((await fixture.client.jobs.list({ instance: 'late' })).items).toEqual([])

  const sql = await fixture.connectDatabase()
  const { items } = await fixture.client.jobs.list({ kind: 'backup', instance: instanceId })
  const write = sql.query('update jobs set drill_job_id = $1 where id = $2', [job.id, items[0]?.id])
  await expect(write).rejects.toThrow(/not a drill target/)
  await sql.end()
})

test('an instance is backed up or a drill target, never both', async () => {
  const plan = await fixture.createPlan()
  const marking = fixture.client.instances.update(instanceId, { drillTarget: true })
  await expect(marking).rejects.toMatchObject({ status: 409 })
  const { id: destinationId } = await fixture.client.destinations.create({
    instanceId: 'drills',
    name: 'files',
    store: { kind: 'file', directory: `${fixture.destinations}/drills` },
  })
  const backingUp = fixture.createPlan({ instanceId: 'drills', destinationId })
  await expect(backingUp).rejects.toMatchObject({ status: 400, field: 'instanceId' })
  const sql = await fixture.connectDatabase()
  const moved = sql.query("update backup_plans set instance_id = 'drills' where id = $1", [plan.id])
  await expect(moved).rejects.toThrow(/is a drill target/)
  await sql.end()
})

test('a restore that is not verified by anything proves nothing', async () => {
  await using bare = await startFixture({ restore: 'cat >/dev/null' })
  const { client, agentId } = bare
  await client.instances.create({ id: 'drills', agentId, hosts: [{ address: '10.0.0.6' }], drillTarget: true })
  const plan = await bare.createPlan({ drill: { target: target('drills', 'drill') } })
  await bare.runPlan(plan.id)
  const { id } = await client.plans.drill(plan.id)
  expect((await bare.waitForJob(id)).parts[0]).toMatchObject({
    state: 'failed',
    error: expect.stringMatching(/Nothing proves/),
  })
})

test('drills run by their schedule, one at a time, and not while the plan is paused', async () => {
  const everySecond = { cron: '* * * * * *' }
  const plan = await fixture.createPlan({ drill: { target: target('drills', 'drill'), schedule: everySecond } })
  expect(plan.nextDrillAt).toBeDefined()
  await fixture.runPlan(plan.id)
  const drills = async () => (await fixture.client.jobs.list({ plan: plan.id, kind: 'drill' })).items
  await expect.poll(async () => (await drills()).filter(({ state }) => state === 'succeeded').length).toBeGreaterThan(1)
  const paused = await fixture.client.plans.update(plan.id, { paused: true })
  expect(paused.nextDrillAt).toBeUndefined()
  const removed = await fixture.client.plans.update(plan.id, { paused: false, drill: null })
  expect(removed.drill).toBeUndefined()
  await expect(fixture.client.plans.drill(plan.id)).rejects.toMatchObject({ status: 409 })
})
