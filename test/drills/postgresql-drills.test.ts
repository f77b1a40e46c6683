import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PostgresqlFixture, startPostgresqlFixture } from './postgresql-fixture.ts'

let postgresql: PostgresqlFixture

beforeAll(async () => {
  postgresql = await startPostgresqlFixture({ count_rows: true })
})
afterAll(() => postgresql[Symbol.asyncDispose]())

test('a drill restores the newest restore point, verifies and checks it, measures the time, and leaves nothing', async () => {
  const { fixture, item, target } = postgresql
  const plan = await postgresql.createPlan({
    checks: [
      { name: 'orders', statement: 'SELECT count(*), max(id) FROM app.orders', expected: '42\t42' },
      { name: 'enough', statement: 'SELECT count(*) FROM app.orders', minimum: 40 },
      { name: 'rows', kind: 'row-counts' },
      {
        name: 'rights',
        statement: 'SELECT rolsuper FROM pg_roles WHERE rolname = current_user',
        expected: 'f',
      },
    ],
  })
  await postgresql.backUp(plan.id)
  await postgresql.backUp(plan.id)
  const job = await postgresql.drill(plan.id)
  const newest = await fixture.newestPoint(plan.id)
  const [part] = job.parts
  expect(part?.error).toBeUndefined()
  expect(job).toMatchObject({
    kind: 'drill',
    state: 'succeeded',
    drill: { step: 'done', targetInstanceId: target, select: 'newest' },
    parts: [
      {
        item,
        restorePointId: newest.id,
        drill: {
          passed: true,
          verified: true,
          recoverySeconds: expect.any(Number),
          checks: [
            { name: 'orders', passed: true, output: '42\t42' },
            { name: 'enough', passed: true },
            { name: 'rows', passed: true },
            { name: 'rights', passed: true },
          ],
        },
      },
    ],
  })
  expect(job.drill?.steps.map(({ name, state }) => [name, state])).toEqual([
    ['prepare', 'succeeded'],
    ['restore', 'succeeded'],
    ['clean-up', 'succeeded'],
  ])
  expect(part?.database).toMatch(/^osb_drill_/)
  const restore = await fixture.client.jobs.get(part?.drill?.restoreJobId ?? '')
  expect(restore).toMatchObject({ kind: 'restore', instanceId: target, drillId: job.id, state: 'succeeded' })
  expect(await postgresql.leftOnServer()).toEqual([])

  const proven = job.endedAt?.slice(0, 16)
  const instance = await fixture.client.instances.get(job.instanceId)
  expect(instance.lastProvenRestorableAt?.slice(0, 16)).toBe(proven)
  const { items } = await fixture.client.instances.listItems(job.instanceId)
  expect(items.find(({ name }) => name === item)).toMatchObject({
    lastProvenRestorableAt: instance.lastProvenRestorableAt,
    lastDrill: { jobId: job.id, passed: true },
    recoverySeconds: part?.drill?.recoverySeconds,
  })
  const { drills } = await fixture.client.overview()
  expect(drills).toEqual({ items: 1, proven: 1, earliestProofAt: instance.lastProvenRestorableAt })
  expect(await fixture.client.instances.report(job.instanceId)).toMatchObject({
    lastProvenRestorableAt: instance.lastProvenRestorableAt,
    plans: [{ name: plan.name, encrypted: false, drill: { target: { instanceId: target } } }],
    backups: { succeeded: 2, failed: 0 },
    drills: [{ jobId: job.id, state: 'succeeded', items: [{ item, passed: true, checks: 4, checksPassed: 4 }] }],
  })
  await fixture.client.plans.delete(plan.id)
})

test('a check that finds something else fails the drill with what it found, and the database is dropped', async () => {
  const { fixture } = postgresql
  const plan = await postgresql.createPlan({
    checks: [
      { name: 'orders', statement: 'SELECT count(*) FROM app.orders', expected: '43' },
      { name: 'few', statement: 'SELECT count(*) FROM app.orders', minimum: 43 },
      { name: 'fine', statement: 'SELECT 1', expected: '1' },
    ],
  })
  await postgresql.backUp(plan.id)
  const job = await postgresql.drill(plan.id)
  expect(job.state).toBe('failed')
  expect(job.parts[0]?.error).toMatch(/"orders" failed: It printed "42" instead of "43".*"few" failed/)
  expect(job.parts[0]?.drill).toMatchObject({
    passed: false,
    checks: [{ passed: false }, { passed: false }, { passed: true }],
  })
  expect(await postgresql.leftOnServer()).toEqual([])
  await fixture.client.plans.delete(plan.id)
})

test('statements that fail, and commands of psql, fail the check and run nothing', async () => {
  const { fixture } = postgresql
  const plan = await postgresql.createPlan({
    checks: [
      { name: 'missing', statement: 'SELECT count(*) FROM app.nothing' },
      { name: 'shell', statement: ' \\! echo 1', expected: '1' },
      { name: 'program', statement: "COPY (SELECT 1) TO PROGRAM 'cat'" },
    ],
  })
  await postgresql.backUp(plan.id)
  const job = await postgresql.drill(plan.id)
  expect(job.state).toBe('failed')
  expect(job.parts[0]?.drill?.checks).toMatchObject([
    { passed: false, reason: expect.stringMatching(/relation "app.nothing" does not exist/) },
    { passed: false, reason: expect.stringMatching(/must be SQL/) },
    { passed: false, reason: expect.stringMatching(/permission denied|must be superuser/) },
  ])
  expect(await postgresql.leftOnServer()).toEqual([])
  await fixture.client.plans.delete(plan.id)
})

test('row counts are compared only where the backup recorded them', async () => {
  const { fixture, item } = postgresql
  const [instance] = (await fixture.client.instances.list({ q: 'shop-' })).items
  await fixture.client.instances.update(instance?.id ?? '', { parameters: { count_rows: false } })
  const plan = await postgresql.createPlan({ checks: [{ name: 'rows', kind: 'row-counts' }] })
  await postgresql.backUp(plan.id)
  const job = await postgresql.drill(plan.id)
  expect(job.state).toBe('failed')
  expect(job.parts).toMatchObject([{ item, drill: { passed: false } }])
  expect(job.parts[0]?.error).toMatch(/count_rows/)
  await fixture.client.plans.delete(plan.id)
})
