import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'
import { makeDatabase, type OwnDatabase } from './own-database.ts'

let fixture: Fixture
let database: OwnDatabase

beforeAll(async () => {
  database = await makeDatabase()
  fixture = await startFixture({}, { DATABASE_URL: database.url, ALARM_INTERVAL_SECONDS: '60' })
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
  expect(overview.storage.days.at(-1)?.storedBytes ?? 0).toBe(overview.restorePoints.sizeBytes)
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

test('the overview reads one restore point of each item, and no job that ended earlier, however many there are', async () => {
  const [instances, pointsEach] = [400, 50]
  await fixture.createPlan({ items: ['copied'] })
  const copy = async (table: string, where: string, changed: Record<string, string>, source: string) => {
    const columns = await database.query<{ name: string }>(
      `select column_name as name from information_schema.columns
       where table_schema = 'public' and table_name = $1 and is_identity = 'NO'`,
      [table],
    )
    const names = columns.map(({ name }) => name)
    const values = names.map((name) => changed[name] ?? `copied.${name}`)
    await database.query(
      `insert into ${table} (${names.join(', ')}) select ${values.join(', ')} from ${table} copied, ${source} where ${where}`,
    )
  }
  const each = `generate_series(1, ${instances}) n`
  await copy('service_instances', `copied.id = '${instanceId}'`, { id: `'copy-' || n` }, each)
  await copy('backup_plans', `copied.items = '["copied"]'`, { id: `'plan-' || n`, instance_id: `'copy-' || n` }, each)
  await database.query(
    `insert into jobs (id, kind, status, instance_id, plan_id, destination_id, started_at, ended_at)
     select 'job-' || n || '-' || m, 'backup', 'SUCCEEDED', 'copy-' || n, 'plan-' || n, $1, at, at
     from generate_series(1, ${instances}) n, generate_series(1, ${pointsEach}) m, lateral (select now() - interval '2 days' * m) t (at)`,
    [fixture.destinationId],
  )
  await database.query(
    `insert into restore_points (id, job_id, plan_id, instance_id, destination_id, item, prefix, filename, size_bytes,
       transformed_by, compression_requested, compression, encrypted, taken_at, suspicious)
     select id, id, plan_id, instance_id, destination_id, 'copied', plan_id || '/', id, 1, 'agent', false, 'none', false, started_at, false
     from jobs where id like 'job-%' order by started_at`,
  )
  await database.query('vacuum (analyze)')
  const read = async (table: string) => {
    const [row] = await database.query<{ rows: string; probes: string }>(
      `select seq_tup_read + coalesce(idx_tup_fetch, 0) as rows, idx_scan as probes from pg_stat_user_tables where relname = $1`,
      [table],
    )
    return { rows: Number(row?.rows), probes: Number(row?.probes) }
  }
  const costOfOverview = async () => {
    const before = { points: await read('restore_points'), jobs: await read('jobs') }
    const overview = await fixture.client.overview()
    expect(overview.instances.total).toBe(instances + 1)
    expect(overview.restorePoints.total).toBeGreaterThanOrEqual(instances * pointsEach)
    // The counts are published within some seconds.
    await expect
      .poll(async () => (await read('restore_points')).probes, { timeout: 60_000 })
      .toBeGreaterThanOrEqual(before.points.probes + instances)
    const after = { points: await read('restore_points'), jobs: await read('jobs') }
    return Math.max(after.points.rows - before.points.rows, after.jobs.rows - before.jobs.rows)
  }
  // The alarms read these tables too, now and then; what they read meanwhile counts with it.
  await expect.poll(costOfOverview, { timeout: 240_000 }).toBeLessThan(3 * instances)
})
