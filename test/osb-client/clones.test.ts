import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clone, Plan } from '@osb-backup/protocol/v1'
import { TEST_TOKEN } from '@osb-backup/testkit'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cliOf } from '../fixtures/cli.ts'
import { type BrokeredFixture, startBrokeredFixture } from './drill-fixture.ts'

let brokered: BrokeredFixture
let plan: Plan

beforeAll(async () => {
  brokered = await startBrokeredFixture()
  plan = await brokered.postgresql.createPlan()
  await brokered.postgresql.backUp(plan.id)
})
afterAll(() => brokered[Symbol.asyncDispose]())

const POLL = { timeout: 240_000, interval: 100 }
const nothing = { databases: [], roles: [] }

async function ended(id: string): Promise<Clone> {
  const get = () => brokered.postgresql.fixture.client.clones.get(id)
  await expect.poll(async () => (await get()).endedAt, POLL).toBeDefined()
  return get()
}

/** Deletes the instance of a clone, until nothing of it exists. */
async function deleteInstance(id: string): Promise<void> {
  const { provisionedInstances } = brokered.postgresql.fixture.client
  await provisionedInstances.delete(id)
  await expect.poll(async () => (await provisionedInstances.get(id)).state, POLL).toBe('deprovisioned')
  expect(await brokered.broker.databases.list()).toEqual(nothing)
}

async function ordersIn(uri: unknown): Promise<unknown[]> {
  const client = new Client({ connectionString: String(uri) })
  await client.connect()
  const { rows } = await client.query('select count(*)::int as orders, min(id) as first from app.orders')
  await client.end()
  return rows
}

test('a clone has the masked data in a new instance, and its credentials are shown once it is masked', async () => {
  const { postgresql, broker } = brokered
  const { manager, folder } = postgresql.fixture
  const home = join(folder, `home-${randomUUID()}`)
  await mkdir(home)
  const mask = join(home, 'mask.sql')
  await writeFile(mask, 'DELETE FROM app.orders WHERE id > 40;\nUPDATE app.orders SET id = id + 1000;\n')
  const cli = cliOf(home, { OSB_BACKUP_URL: manager.url, OSB_BACKUP_TOKEN: TEST_TOKEN })
  const options = ['--service', 'postgresql', '--service-plan', 'cluster', '--mask-file', mask, '--wait', '-o', 'json']
  const cloned = await cli(['clone', plan.instanceId, ...options])
  expect(cloned.stderr + cloned.stdout).toContain('succeeded')
  expect(cloned.code).toBe(0)
  const clone = JSON.parse(cloned.stdout) as Clone
  expect(clone).toMatchObject({ state: 'succeeded', masked: true, isProvisioned: true, item: postgresql.item })
  const printed = await cli(['provisioned-instance', 'credentials', clone.instanceId ?? '', '-o', 'json'])
  expect(await ordersIn(JSON.parse(printed.stdout).uri)).toEqual([{ orders: 40, first: 1001 }])
  expect(await broker.databases.list()).toMatchObject({ databases: [clone.database] })
  await deleteInstance(clone.instanceId ?? '')
})

test('a clone whose data cannot be masked fails, and its instance is deleted before anybody sees it', async () => {
  const { postgresql, broker, serviceBrokerId } = brokered
  const { client } = postgresql.fixture
  const target = { kind: 'service-broker', serviceBrokerId, service: 'postgresql', servicePlan: 'small' } as const
  const { id } = await client.clones.create(plan.instanceId, { target, mask: ['UPDATE nonsense SET id = 1'] })
  const clone = await ended(id)
  expect(clone).toMatchObject({ state: 'failed', failure: expect.stringContaining('nonsense') })
  await expect(client.provisionedInstances.credentials(clone.instanceId ?? '')).rejects.toMatchObject({ status: 409 })
  await expect.poll(() => broker.databases.list(), POLL).toEqual(nothing)
})

test('a clone whose manager is killed while its broker works, and while it restores, has the data in the end', async () => {
  const { postgresql, broker, serviceBrokerId } = brokered
  const { fixture } = postgresql
  const target = { kind: 'service-broker', serviceBrokerId, service: 'postgresql', servicePlan: 'small' } as const
  for (const step of ['provision', 'restore'] as const) {
    const before = broker.requests.length
    const held = step === 'restore' ? await postgresql.hold('restore') : undefined
    if (step !== 'restore') broker.fail({ request: step, when: 'after', act: { kind: 'hang' } })
    const { id } = await fixture.client.clones.create(plan.instanceId, { target })
    const isReached = async () =>
      held === undefined ? broker.requests.slice(before).some(({ isHeld }) => isHeld) : held.reached()
    await expect.poll(isReached, POLL).toBe(true)
    await fixture.manager.kill()
    await fixture.restartManager()
    await held?.release()
    broker.clearFaults()
    const { failure, instanceId = '' } = await ended(id)
    expect([step, failure]).toEqual([step, undefined])
    const { credentials } = await fixture.client.provisionedInstances.credentials(instanceId)
    expect(await ordersIn(credentials.uri)).toEqual([{ orders: 42, first: 1 }])
    await deleteInstance(instanceId)
  }
})

test('a clone that is cancelled leaves nothing, and its own source is no target', async () => {
  const { postgresql, broker, serviceBrokerId } = brokered
  const { client } = postgresql.fixture
  const target = { kind: 'service-broker', serviceBrokerId, service: 'postgresql', servicePlan: 'small' } as const
  broker.fail({ request: 'provision', when: 'after', act: { kind: 'delay', milliseconds: 500 } })
  const { id } = await client.clones.create(plan.instanceId, { target })
  await client.clones.cancel(id)
  expect(await ended(id)).toMatchObject({ state: 'failed', failure: expect.stringContaining('Cancelled by') })
  const count = async () => (await client.serviceBrokers.get(serviceBrokerId)).instanceCount
  await expect.poll(count, POLL).toBe(0)
  expect(await broker.databases.list()).toEqual(nothing)
  const own = client.clones.create(plan.instanceId, { target: { kind: 'instance', instanceId: plan.instanceId } })
  await expect(own).rejects.toMatchObject({ status: 400, field: 'target.instanceId' })
})
