import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PlanCreate } from '@osb-backup/protocol/v1'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'

const POLL = { timeout: 60_000, interval: 50 }

let fixture: Fixture

beforeAll(async () => {
  // Every item waits until its gate is open, which contains the exit status.
  const here = '"$(dirname "$0")"'
  const gate = `${here}/"$BACKUP_DATABASE".gate`
  fixture = await startFixture({
    backup: `echo "$BACKUP_DATABASE" >> ${here}/began; until [ -s ${gate} ]; do sleep 0.05; done; echo content; exit $(cat ${gate})`,
    'post-backup-unlock': `echo "$BACKUP_DATABASE" >> ${here}/unlocked`,
  })
})
afterAll(() => fixture[Symbol.asyncDispose]())

const script = (name: string) => join(fixture.folder, 'scripts', name)
const open = async (...items: string[]) => {
  for (const item of items) await writeFile(script(`${item}.gate`), '0')
}
const linesOf = async (name: string) => (await readFile(script(name), 'utf8')).trim().split('\n')

/** Starts a backup of gated items. The names of its items begin with the name of the test's plan. */
async function start(name: string, count: number, fields: Partial<PlanCreate> = {}) {
  const items = Array.from({ length: count }, (_, index) => `${name}${index}`)
  const plan = await fixture.createPlan({ name, items, ...fields })
  const { id } = await fixture.client.plans.run(plan.id)
  const inBackup = async () => {
    const { parts } = await fixture.client.jobs.get(id)
    return parts.filter(({ state, stage }) => state === 'running' && stage === 'backup').map(({ item }) => item)
  }
  return { plan, id, items, inBackup }
}

test('as many items as the plan allows are backed up at the same time, by default one', async () => {
  const three = await start('three', 5, { parallelItems: 3 })
  await expect.poll(three.inBackup, POLL).toEqual(['three0', 'three1', 'three2'])
  await open('three1')
  await expect.poll(three.inBackup, POLL).toEqual(['three0', 'three2', 'three3'])
  await open(...three.items)
  expect(await fixture.waitForJob(three.id)).toMatchObject({ state: 'succeeded' })
  expect(await fixture.pointsOf(three.plan.id)).toHaveLength(5)

  const one = await start('one', 2)
  expect(one.plan.parallelItems).toBe(1)
  await expect.poll(one.inBackup, POLL).toEqual(['one0'])
  await open('one0')
  await expect.poll(one.inBackup, POLL).toEqual(['one1'])
  await open('one1')
  await fixture.waitForJob(one.id)
})

test('an item that fails stops no other', async () => {
  const { id, plan, items, inBackup } = await start('fails', 4, { parallelItems: 3 })
  await expect.poll(inBackup, POLL).toHaveLength(3)
  await writeFile(script('fails1.gate'), '3')
  await expect.poll(inBackup, POLL).toEqual(['fails0', 'fails2', 'fails3'])
  await open(...items.filter((item) => item !== 'fails1'))
  const job = await fixture.waitForJob(id)
  expect(job.state).toBe('failed')
  expect(job.parts.map(({ state }) => state)).toEqual(['succeeded', 'failed', 'succeeded', 'succeeded'])
  expect((await fixture.pointsOf(plan.id)).map(({ item }) => item).toSorted()).toEqual(['fails0', 'fails2', 'fails3'])
})

test('a cancelled job cancels all items that run, each unlocked, and begins no other', async () => {
  const { id, plan, items, inBackup } = await start('cancels', 4, { parallelItems: 3 })
  await expect.poll(inBackup, POLL).toHaveLength(3)
  await fixture.client.jobs.cancel(id)
  const job = await fixture.waitForJob(id)
  expect(job.parts.map(({ state }) => state)).toEqual(items.map(() => 'cancelled'))
  const unlocked = (await linesOf('unlocked')).filter((item) => item.startsWith('cancels'))
  expect(unlocked.toSorted()).toEqual(['cancels0', 'cancels1', 'cancels2'])
  expect(await fixture.pointsOf(plan.id)).toEqual([])
})

test('a manager that takes over a job follows all items that run, and starts none of them again', async () => {
  const { id, items, inBackup } = await start('moves', 4, { parallelItems: 3 })
  await expect.poll(inBackup, POLL).toHaveLength(3)
  await fixture.manager.kill()
  await fixture.restartManager()
  await open('moves2')
  await expect.poll(inBackup, POLL).toEqual(['moves0', 'moves1', 'moves3'])
  await open(...items)
  expect(await fixture.waitForJob(id)).toMatchObject({ state: 'succeeded' })
  const began = (await linesOf('began')).filter((item) => item.startsWith('moves'))
  expect(began.toSorted()).toEqual(items)
})

test('items that run at the same time count against the limits, and a waiting job comes before another item', async () => {
  await fixture.restartManager({ MAX_RUNNING_JOBS_PER_AGENT: '2' })
  const wide = await start('wide', 4, { parallelItems: 4 })
  await expect.poll(wide.inBackup, POLL).toHaveLength(2)
  const other = await start('other', 1)
  await open('wide0')
  await expect.poll(other.inBackup, POLL).toHaveLength(1)
  // Of a job one item always may run; the second slot is the other job's.
  expect(await wide.inBackup()).toHaveLength(1)
  await open(...wide.items, ...other.items)
  for (const { id } of [wide, other]) expect(await fixture.waitForJob(id)).toMatchObject({ state: 'succeeded' })
  await rm(script('began'))
})
