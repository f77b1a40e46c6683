import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'
import { makeDatabase, type OwnDatabase } from './own-database.ts'

let fixture: Fixture
let database: OwnDatabase

beforeAll(async () => {
  database = await makeDatabase()
  fixture = await startFixture({}, { DATABASE_URL: database.url })
})
afterAll(async () => {
  await fixture[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

/** What the overview and the instance say of the restore points, and what a count of all rows says. */
async function compare() {
  const [stored] = await database.query<{ total: string; bytes: string }>(
    'select count(*) as total, coalesce(sum(size_bytes), 0) as bytes from restore_points where deleted_at is null',
  )
  const kept = await database.query<{ item: string; total: string; newest: Date | null }>(
    `select item, count(*) as total, max(taken_at) filter (where coalesce(verified_state, 'intact') = 'intact') as newest
     from restore_points where deleted_at is null and removal_requested_at is null group by item order by item`,
  )
  const overview = await fixture.client.overview()
  const { items } = await fixture.client.instances.listItems(instanceId)
  return {
    shown: {
      stored: overview.restorePoints,
      items: items
        .filter(({ restorePointCount }) => restorePointCount > 0)
        .map(({ name, restorePointCount, protection }) => [name, restorePointCount, protection.newestRestorePointAt]),
    },
    counted: {
      stored: { total: Number(stored?.total), sizeBytes: Number(stored?.bytes) },
      items: kept.map(({ item, total, newest }) => [item, Number(total), newest?.toISOString()]),
    },
  }
}

test('the counters of restore points agree with the restore points, before and after they are compacted', async () => {
  const plan = await fixture.createPlan({ items: ['a', 'b'] })
  for (let run = 0; run < 3; run++) await fixture.runPlan(plan.id)
  const [newest, , , oldest] = await fixture.pointsOf(plan.id)
  await fixture.client.restorePoints.delete(oldest?.id ?? '')
  await database.query("update restore_points set verified_state = 'damaged' where id = $1", [newest?.id])
  const before = await compare()
  expect(before.shown).toEqual(before.counted)
  expect(before.shown.items.map(([name]) => name)).toEqual(['a', 'b'])

  const changes = () => database.query('select from restore_point_counter_changes')
  await expect.poll(changes, { timeout: 60_000, interval: 500 }).toEqual([])
  const after = await compare()
  expect(after.shown).toEqual(after.counted)
  await database.query('delete from restore_points')
  expect((await compare()).shown).toEqual({ stored: { total: 0, sizeBytes: 0 }, items: [] })
})

test('overviews that are asked for at the same time are all newer than what was done before', async () => {
  const plan = await fixture.createPlan({ items: ['c'] })
  const { total } = (await fixture.client.overview()).restorePoints
  for (let run = 1; run <= 3; run++) {
    await fixture.runPlan(plan.id)
    const overviews = await Promise.all(Array.from({ length: 8 }, () => fixture.client.overview()))
    expect(overviews.map(({ restorePoints }) => restorePoints.total)).toEqual(overviews.map(() => total + run))
  }
})
