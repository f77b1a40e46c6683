import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Job } from '@osb-backup/protocol/v1'
import { type ManagerProcess, startManagerProcess } from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'
import { databaseScripts, HeldDatabases, isSerial } from '../fixtures/held-databases.ts'
import { registerInstance } from '../fixtures/register-instance.ts'
import { makeDatabase } from './own-database.ts'

let stack: AsyncDisposableStack
let fixture: Fixture
let second: ManagerProcess
let databases: HeldDatabases
let names = 0

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  const database = stack.use(await makeDatabase())
  const settings = { DATABASE_URL: database.url, SECRET_KEY: 'ab'.repeat(32), SCHEDULE_GRACE_SECONDS: '4' }
  fixture = stack.use(await startFixture(databaseScripts, settings))
  second = await startManagerProcess({
    ...settings,
    DATA_DIR: `${fixture.folder}/second`,
    FILE_DESTINATION_ROOT: fixture.store,
  })
  stack.defer(() => second.stop())
  databases = new HeldDatabases(fixture.folder)
})
afterAll(() => stack.disposeAsync())

/** A database of its own for each test. */
async function newDatabase(): Promise<string> {
  const name = `database${++names}`
  await databases.create(name)
  return name
}

const stateOf = async (id: string) => (await fixture.client.jobs.get(id)).state
const begins = (name: string, stage: string) =>
  expect.poll(() => databases.log(name), { interval: 50 }).toContain(`begin ${stage}`)

/** A restore of a database whose script waits until it is released. */
async function holdRestore(name: string): Promise<{ planId: string; restore: Job }> {
  const plan = await fixture.createPlan({ items: [name] })
  await fixture.runPlan(plan.id)
  const point = await fixture.newestPoint(plan.id)
  await databases.write(name, 'newer')
  await databases.hold(name, 'restore')
  const restore = await fixture.client.restorePoints.restore(point.id)
  await begins(name, 'restore')
  return { planId: plan.id, restore }
}

test('a backup of a database that a restore works on is refused with the id of the restore, on both APIs', async () => {
  const name = await newDatabase()
  const { planId, restore } = await holdRestore(name)
  await expect(fixture.client.plans.run(planId)).rejects.toMatchObject({
    status: 409,
    code: 'database-busy',
    jobId: restore.id,
    message: expect.stringContaining(restore.id),
  })
  const legacy = await fixture.call('POST', '/backup', { backupPlan: { id: planId } }, { accept: 'text/plain' })
  expect(legacy).toMatchObject({ status: 409, text: expect.stringContaining(restore.id) })
  await databases.release(name, 'restore')
  expect((await fixture.waitForJob(restore.id)).state).toBe('succeeded')
  expect((await fixture.runPlan(planId)).state).toBe('succeeded')
})

test('a backup that waits for a restore contains what was restored', async () => {
  const name = await newDatabase()
  const { planId, restore } = await holdRestore(name)
  const backup = await fixture.client.plans.run(planId, { wait: true })
  const waiting = async () => (await second.client.jobs.get(backup.id)).parts[0]?.waitingFor
  await expect
    .poll(waiting)
    .toEqual({ jobId: restore.id, reason: `The restore job ${restore.id} works on this database.` })
  expect(await stateOf(backup.id)).toBe('queued')
  await databases.release(name, 'restore')
  expect((await fixture.waitForJob(backup.id)).state).toBe('succeeded')
  expect(await databases.work(name)).toEqual([
    ...['begin backup', 'end backup'],
    ...['begin restore', 'end restore'],
    ...['begin backup', 'end backup'],
  ])
  expect(await databases.read(name)).toBe(name)
  const point = await fixture.newestPoint(planId)
  expect(point).toMatchObject({ jobId: backup.id, sizeBytes: name.length })
  const ended = Date.parse((await fixture.client.jobs.get(restore.id)).endedAt ?? '')
  expect(Date.parse(point.takenAt)).toBeGreaterThanOrEqual(ended)
})

test('restores into one database, also of another instance and at another manager, run one after the other in their order', async () => {
  const name = await newDatabase()
  const { planId, restore } = await holdRestore(name)
  // The same agent, registered twice.
  await registerInstance(fixture.client, `twin-${name}`, fixture.agent)
  await databases.write('other', 'the content of the last restore')
  const other = await fixture.createPlan({ items: ['other'] })
  await fixture.runPlan(other.id)
  const [first, last] = [await fixture.newestPoint(planId), await fixture.newestPoint(other.id)]
  const waiting = await second.client.restorePoints.restore(first.id, { instanceId: `twin-${name}` })
  const newest = await second.client.restorePoints.restore(last.id, { database: name })
  expect([await stateOf(waiting.id), await stateOf(newest.id)]).toEqual(['queued', 'queued'])
  await databases.release(name, 'restore')
  for (const { id } of [restore, waiting, newest]) expect((await fixture.waitForJob(id)).state).toBe('succeeded')
  expect(isSerial(await databases.work(name))).toBe(true)
  expect(await databases.read(name)).toBe('the content of the last restore')
})

test('a restore waits for a backup that works on the database, or cancels it if requested', async () => {
  const name = await newDatabase()
  const plan = await fixture.createPlan({ items: [name] })
  await fixture.runPlan(plan.id)
  const point = await fixture.newestPoint(plan.id)
  await databases.hold(name, 'backup')
  const backup = await fixture.client.plans.run(plan.id)
  await expect.poll(async () => (await databases.work(name)).at(-1)).toBe('begin backup')
  const restore = await fixture.client.restorePoints.restore(point.id)
  expect((await fixture.client.jobs.get(restore.id)).parts[0]?.waitingFor?.jobId).toBe(backup.id)
  const urgent = await fixture.client.restorePoints.restore(point.id, { cancelBackups: true })
  expect((await fixture.waitForJob(backup.id)).state).toBe('cancelled')
  expect((await fixture.waitForJob(restore.id)).state).toBe('succeeded')
  expect((await fixture.waitForJob(urgent.id)).state).toBe('succeeded')
  await databases.release(name, 'backup')
})

test('a job that waits for another one is cancelled at once', async () => {
  const name = await newDatabase()
  const { planId, restore } = await holdRestore(name)
  const backup = await fixture.client.plans.run(planId, { wait: true })
  const cancelled = await fixture.client.jobs.cancel(backup.id)
  expect(cancelled).toMatchObject({
    state: 'cancelled',
    parts: [{ error: expect.stringContaining('before it began') }],
  })
  await databases.release(name, 'restore')
  await fixture.waitForJob(restore.id)
})

test('a scheduled run waits for its database within the grace period, and is then skipped with the reason', async () => {
  const name = await newDatabase()
  const { restore } = await holdRestore(name)
  const plan = await fixture.createPlan({ items: [name], schedule: { cron: '* * * * * *' } })
  const runs = async () => (await fixture.client.plans.runs(plan.id).list({ limit: 500 })).items.reverse()
  await expect.poll(async () => (await runs())[0]?.outcome).toBe('started')
  const jobId = (await runs())[0]?.jobId ?? ''
  expect((await fixture.client.jobs.get(jobId)).parts[0]?.waitingFor).toEqual({
    jobId: restore.id,
    reason: `The restore job ${restore.id} works on this database.`,
  })
  await expect.poll(async () => (await runs())[0]?.outcome).toBe('skipped')
  await fixture.client.plans.update(plan.id, { paused: true })
  expect((await runs())[0]).toMatchObject({
    jobId: restore.id,
    reason: expect.stringContaining('grace period of 4 seconds'),
  })
  expect(await fixture.client.jobs.get(jobId)).toMatchObject({
    state: 'cancelled',
    cancellation: { requestedBy: 'the schedule' },
    parts: [{ error: expect.stringContaining(restore.id) }],
  })
  await databases.release(name, 'restore')
  await fixture.waitForJob(restore.id)
  expect(await databases.work(name)).toEqual(['begin backup', 'end backup', 'begin restore', 'end restore'])
})

test('jobs of plans that share databases in opposite orders, at two managers, all end, one at a time on each database', async () => {
  const items = await Promise.all(Array.from({ length: 4 }, newDatabase))
  await fixture.client.instances.create({
    id: 'neighbour',
    agentId: fixture.agentId,
    hosts: [{ address: '10.0.0.5', port: 5432 }],
    database: { username: 'neighbour' },
  })
  const directory = join(fixture.destinations, 'neighbour')
  await mkdir(directory)
  const destination = await fixture.client.destinations.create({
    instanceId: 'neighbour',
    name: 'files',
    store: { kind: 'file', directory },
  })
  const plans = await Promise.all([
    ...[items, items.toReversed(), items.slice(1), items.slice(2).toReversed()].map((each) =>
      fixture.createPlan({ items: each }),
    ),
    fixture.createPlan({ items, instanceId: 'neighbour', destinationId: destination.id }),
  ])
  const jobs: string[] = []
  for (let round = 0; round < 2; round++) {
    const started = await Promise.all(
      plans.map((plan, index) => [fixture, second][index % 2]?.client.plans.run(plan.id, { wait: true })),
    )
    const ids = started.flatMap((job) => job?.id ?? [])
    for (const id of ids) expect((await fixture.waitForJob(id)).state).toBe('succeeded')
    jobs.push(...ids)
    for (const [index, item] of items.entries()) {
      const points = (await fixture.client.restorePoints.list({ instance: instanceId, item })).items
      const [point] = points
      if (point !== undefined) jobs.push((await second.client.restorePoints.restore(point.id)).id)
      if (index === 0 && point !== undefined) jobs.push((await fixture.client.restorePoints.restore(point.id)).id)
    }
  }
  for (const id of jobs) expect((await fixture.waitForJob(id)).state).toBe('succeeded')
  for (const item of items) {
    const work = await databases.work(item)
    expect(work.length).toBeGreaterThan(10)
    expect(isSerial(work)).toBe(true)
  }
})
