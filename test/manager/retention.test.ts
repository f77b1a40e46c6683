import { existsSync } from 'node:fs'
import { readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Plan, RestorePoint } from '@osb-backup/protocol/v1'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deprovision } from '../fixtures/deprovision.ts'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'

let fixture: Fixture

beforeAll(async () => {
  fixture = await startFixture({
    // A file that is named like the database says how large the dump is.
    backup: `if [ "$BACKUP_DATABASE" = fails ]; then exit 1; fi; echo "the content of $BACKUP_DATABASE"
      size=$(cat "$(dirname "$0")/../$BACKUP_DATABASE.size" 2>/dev/null) || exit 0; head -c "$size" /dev/zero`,
    restore: `sleep 2; cat >/dev/null`,
  })
})
afterAll(() => fixture[Symbol.asyncDispose]())

const pointsOf: Fixture['pointsOf'] = (planId) => fixture.pointsOf(planId)

const objectsOf = async (planId: string) => (await readdir(join(fixture.store, planId))).sort()

test('FILES keeps the newest of each item, and what is swept is removed from the store', async () => {
  const plan = await fixture.createPlan({ retention: { style: 'count', period: 2 }, items: ['db1', 'db2'] })
  for (let run = 0; run < 4; run++) await fixture.runPlan(plan.id)
  await expect.poll(async () => (await pointsOf(plan.id)).length).toBe(4)
  const points = await pointsOf(plan.id)
  expect(points.map((point) => point.item).sort()).toEqual(['db1', 'db1', 'db2', 'db2'])
  const named = points.map((point) => basename(point.objectName)).sort()
  expect((await objectsOf(plan.id)).filter((name) => !name.endsWith('.manifest.json'))).toEqual(named)
})

test('generations keep the newest of each day, and the preview says why', async () => {
  const retention = { style: 'gfs', keepDaily: 2, keepYearly: 3 } as const
  const plan = await fixture.createPlan({ retention, items: ['db1'] })
  const sql = await fixture.connectDatabase()
  for (const takenAt of ['2020-05-01T10:00Z', '2020-05-02T10:00Z', '2020-05-02T11:00Z']) {
    await fixture.runPlan(plan.id)
    const [newest] = await pointsOf(plan.id)
    await sql.query('update restore_points set taken_at = $1 where id = $2', [takenAt, newest?.id])
  }
  await sql.end()
  const { restorePoints } = await fixture.client.plans.preview({ planId: plan.id, schedule: plan.schedule, retention })
  const reasons = restorePoints?.map(({ takenAt, keptBecause }) => [takenAt.slice(0, 13), keptBecause])
  expect(reasons?.toSorted()).toEqual([
    ['2020-05-01T10', ['daily']],
    ['2020-05-02T10', []],
    ['2020-05-02T11', ['newest', 'daily', 'yearly']],
  ])
  // A restore point of today takes the place of the older of the two days.
  await fixture.runPlan(plan.id)
  await expect.poll(async () => (await pointsOf(plan.id)).length).toBe(2)
  const times = (await pointsOf(plan.id)).map(({ takenAt }) => takenAt.slice(0, 13))
  expect(times.filter((time) => time.startsWith('2020'))).toEqual(['2020-05-02T11'])
})

test('what is held stays, and so does the newest success of an item that fails since', async () => {
  const plan = await fixture.createPlan({ retention: { style: 'count', period: 1 }, items: ['db1'] })
  await fixture.runPlan(plan.id)
  const [held] = await pointsOf(plan.id)
  await fixture.client.restorePoints.hold(held?.id ?? '')
  await fixture.runPlan(plan.id)
  await fixture.runPlan(plan.id)
  await expect.poll(async () => (await pointsOf(plan.id)).length).toBe(2)
  expect((await pointsOf(plan.id)).map((point) => point.held)).toEqual([false, true])

  const failing = await fixture.client.plans.update(plan.id, { items: ['db1', 'fails'] })
  expect((await fixture.runPlan(failing.id)).state).toBe('failed')
  await expect.poll(async () => (await pointsOf(plan.id)).length).toBe(2)
})

test('an object whose store refuses is retried, and shown as being removed until it is', async () => {
  const plan = await fixture.createPlan({ retention: { style: 'count', period: 1 } })
  await fixture.runPlan(plan.id)
  const [old] = await pointsOf(plan.id)
  await fixture.client.restorePoints.hold(old?.id ?? '')
  await fixture.runPlan(plan.id)
  await rename(fixture.store, `${fixture.store}.away`)
  await fixture.client.restorePoints.release(old?.id ?? '')
  const refused = await fixture.call('DELETE', `/v1/restore-points/${old?.id}`)
  expect(refused.status).toBe(409)
  expect(refused.body.detail).toMatch(/not removed yet; removal is retried until it succeeds/)
  const going = await fixture.client.restorePoints.get(old?.id ?? '')
  expect(going.deletion).toMatchObject({ reason: 'requested' })
  expect(going.deletion?.error).toMatch(/directory/)
  // It can neither be restored nor held any more.
  expect((await fixture.call('POST', `/v1/restore-points/${old?.id}/restore`, {})).status).toBe(409)
  expect((await fixture.call('POST', `/v1/restore-points/${old?.id}/hold`)).status).toBe(409)

  await rename(`${fixture.store}.away`, fixture.store)
  expect((await fixture.call('DELETE', `/v1/restore-points/${old?.id}`)).status).toBe(204)
  expect((await pointsOf(plan.id)).length).toBe(1)
  expect((await objectsOf(plan.id)).filter((name) => !name.endsWith('.manifest.json')).length).toBe(1)
})

test('a sweep that fails half-way is repeated soon', async () => {
  const plan = await fixture.createPlan({ retention: { style: 'count', period: 1 } })
  await fixture.runPlan(plan.id)
  const [old] = await pointsOf(plan.id)
  const sql = await fixture.connectDatabase()
  await sql.query('begin')
  await sql.query('select from restore_points where id = $1 for update', [old?.id])
  await fixture.runPlan(plan.id)
  // The sweep waits for the point; its connection ends, as that of a manager that is killed.
  const breakOff = 'select pg_terminate_backend(pid) from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0'
  await expect.poll(async () => (await sql.query(breakOff)).rowCount).toBe(1)
  await sql.query('rollback')
  await sql.end()
  await expect.poll(async () => (await pointsOf(plan.id)).length).toBe(1)
})

test('what is removed already is recorded as deleted, and a newer object is not removed in its place', async () => {
  const plan = await fixture.createPlan()
  await fixture.runPlan(plan.id)
  const [old] = await pointsOf(plan.id)
  const sql = await fixture.connectDatabase()
  // As a manager leaves it that was killed after the store had removed the object, and before it had written that down.
  await sql.query(
    `update restore_points set removal_requested_at = now(), removal_reason = 'REQUESTED', removal_attempts = 1,
       next_removal_at = now() + interval '1 minute' where id = $1`,
    [old?.id],
  )
  await rm(join(fixture.store, plan.id), { recursive: true })
  await fixture.runPlan(plan.id)
  const [young] = await pointsOf(plan.id)
  expect(young?.objectName).not.toBe(old?.objectName)
  await sql.query('update restore_points set next_removal_at = now() where id = $1', [old?.id])
  await expect.poll(async () => (await pointsOf(plan.id)).map(({ id }) => id)).toEqual([young?.id])
  expect(await objectsOf(plan.id)).toContain(basename(young?.objectName ?? ''))
  await sql.end()
})

test('a change of retention deletes nothing for a while', async () => {
  const plan = await fixture.createPlan()
  for (let run = 0; run < 3; run++) await fixture.runPlan(plan.id)
  const changed = await fixture.client.plans.update(plan.id, { retention: { style: 'count', period: 1 } })
  const hoursLeft = (Date.parse(changed.retentionEffectiveAt ?? '') - Date.now()) / 3_600_000
  expect(hoursLeft).toBeGreaterThan(23.9)
  await fixture.runPlan(plan.id)
  await new Promise((resolve) => setTimeout(resolve, 2500))
  expect((await pointsOf(plan.id)).length).toBe(4)

  // A clock that was set ahead does not end that: the change still counts from its time when the clock is right again.
  const sql = await fixture.connectDatabase()
  await sql.query('insert into clock_jumps (detected_at, jump_seconds) values (now(), 100000)')
  await sql.query('update backup_plans set retention_due_at = now(), retention_counts_from = now() where id = $1', [
    plan.id,
  ])
  const claimed = () => sql.query('select from backup_plans where id = $1 and retention_due_at > now()', [plan.id])
  await expect.poll(async () => (await claimed()).rowCount).toBe(1)
  await new Promise((resolve) => setTimeout(resolve, 1000))
  expect(await fixture.client.plans.get(plan.id)).toHaveProperty('retentionEffectiveAt')
  await sql.query('delete from clock_jumps')
  await sql.end()
})

test('without a grace period the change applies at the next sweep, and is no longer announced', async () => {
  await fixture.restartManager({ RETENTION_CHANGE_GRACE_HOURS: '0' })
  const plan = await fixture.createPlan()
  for (let run = 0; run < 3; run++) await fixture.runPlan(plan.id)
  await fixture.client.plans.update(plan.id, { retention: { style: 'count', period: 1 } })
  await fixture.runPlan(plan.id)
  await expect.poll(async () => (await pointsOf(plan.id)).length).toBe(1)
  expect(await fixture.client.plans.get(plan.id)).not.toHaveProperty('retentionEffectiveAt')
  await fixture.restartManager()
})

test('a deleted plan keeps its restore points, unless the deletion of its files is requested', async () => {
  const [kept, gone] = [await fixture.createPlan(), await fixture.createPlan()]
  for (const plan of [kept, gone]) await fixture.runPlan(plan.id)
  await fixture.client.plans.delete(kept.id)
  await fixture.client.plans.delete(gone.id, { files: 'delete' })
  await expect.poll(async () => (await pointsOf(gone.id)).length).toBe(0)
  expect(existsSync(join(fixture.store, gone.id))).toBe(false)
  expect((await pointsOf(kept.id)).length).toBe(1)
  expect((await fixture.call('DELETE', `/v1/plans/${kept.id}?files=yes`)).status).toBe(400)
})

test('what a restore reads is not removed before it has ended', async () => {
  const plan = await fixture.createPlan()
  await fixture.runPlan(plan.id)
  const [point] = await pointsOf(plan.id)
  const restore = await fixture.client.restorePoints.restore(point?.id ?? '', { database: 'copy' })
  const refused = await fixture.call('DELETE', `/v1/restore-points/${point?.id}`)
  expect(refused.status).toBe(409)
  expect(refused.body.detail).toMatch(/is being restored/)
  expect((await fixture.waitForJob(restore.id)).state).toBe('succeeded')
  expect((await fixture.call('DELETE', `/v1/restore-points/${point?.id}`)).status).toBe(204)
})

describe('a dump that shrank suspiciously', () => {
  /** Runs a plan whose dump has this size, and returns the restore point. */
  const runWith = async (plan: Plan, sizeBytes: number): Promise<RestorePoint> => {
    await writeFile(join(fixture.folder, `${plan.items[0]}.size`), String(sizeBytes))
    expect((await fixture.runPlan(plan.id)).state).toBe('succeeded')
    return fixture.newestPoint(plan.id)
  }
  const idsOf = async (plan: Plan) => (await pointsOf(plan.id)).map(({ id }) => id)
  /** Two rounds of the retention have passed, which would have deleted something. */
  const letRetentionRun = () => new Promise((resolve) => setTimeout(resolve, 2500))
  const createPlan = (item: string) =>
    fixture.createPlan({ retention: { style: 'count', period: 1 }, items: [item], rpoSeconds: 86_400 })

  test('replaces no good restore point until a user confirms it', async () => {
    const plan = await createPlan('shrunken')
    const good = await runWith(plan, 100_000)
    expect(good).toMatchObject({ suspicious: false })
    const small = await runWith(plan, 500)
    expect(small).toMatchObject({ suspicious: true, usualSizeBytes: good.originalSizeBytes })
    await letRetentionRun()
    expect(await idsOf(plan)).toEqual([small.id, good.id])
    const { restorePoints } = fixture.client
    expect((await restorePoints.list({ plan: plan.id, suspicious: 'true' })).items.map(({ id }) => id)).toEqual([
      small.id,
    ])
    expect((await restorePoints.list({ plan: plan.id, suspicious: 'false' })).items.map(({ id }) => id)).toEqual([
      good.id,
    ])

    const confirmed = await restorePoints.confirm(small.id)
    expect(confirmed).toMatchObject({ suspicious: false, confirmation: { confirmedBy: expect.any(String) } })
    const [entry] = (await fixture.client.auditEntries.list()).items
    expect(entry).toMatchObject({
      action: 'POST /v1/restore-points/:id/confirm',
      path: expect.stringContaining(small.id),
    })
    await expect.poll(() => idsOf(plan)).toEqual([small.id])
    expect((await restorePoints.get(small.id)).confirmation).toEqual(confirmed.confirmation)
  })

  test('is right if the next one is as small, and both count', async () => {
    const plan = await createPlan('emptied')
    await runWith(plan, 100_000)
    const first = await runWith(plan, 500)
    expect(first.suspicious).toBe(true)
    const second = await runWith(plan, 600)
    expect(second.suspicious).toBe(false)
    await expect.poll(() => idsOf(plan)).toEqual([second.id])
  })

  test('does not protect its item', async () => {
    const plan = await createPlan('exposed')
    const good = await runWith(plan, 100_000)
    await runWith(plan, 500)
    await fixture.client.restorePoints.delete(good.id)
    const { items } = await fixture.client.overview().then(({ attention }) => ({ items: attention }))
    expect(items.find(({ item }) => item === 'exposed')).toMatchObject({ state: 'unprotected' })
  })
})

test('a plan that stopped keeps what it has, however much time passes', async () => {
  const plan = await fixture.createPlan({ retention: { style: 'days', period: 14 } })
  for (let run = 0; run < 3; run++) await fixture.runPlan(plan.id)
  const sql = await fixture.connectDatabase()
  // Daily backups, of which the newest was taken three weeks ago.
  await sql.query(
    `update restore_points set taken_at = now() - interval '21 days' - make_interval(days => 7 * older.place::int)
       from (select id, row_number() over (order by sequence desc) - 1 as place from restore_points where plan_id = $1) older
       where older.id = restore_points.id`,
    [plan.id],
  )
  const apply = () => sql.query('update backup_plans set retention_due_at = now() where id = $1', [plan.id])
  const applied = () => sql.query('select from backup_plans where id = $1 and retention_due_at > now()', [plan.id])
  await apply()
  await expect.poll(async () => (await applied()).rowCount).toBe(1)
  // The oldest is 14 days older than the newest: no longer kept.
  await expect.poll(async () => (await pointsOf(plan.id)).length).toBe(2)
  await sql.end()
})

test('a final backup before deprovisioning that fails keeps everything, and one that succeeds is kept', async () => {
  await fixture.restartManager({ DEPROVISION_FILES: 'delete', DEPROVISION_BACKUP_SECONDS: '30' })
  for (const { id } of (await fixture.client.plans.list()).items) {
    await fixture.client.plans.delete(id, { files: 'delete' })
  }
  const good = await fixture.createPlan()
  const bad = await fixture.createPlan({ items: ['fails'] })
  await fixture.runPlan(good.id)
  const refused = await fixture.call('DELETE', `/backupPlans/byInstance/${instanceId}`)
  expect(refused.status).toBe(409)
  expect(refused.body.detail).toMatch(/Nothing was deleted, since the final backup \(job \w+\) failed/)
  expect((await fixture.client.plans.list()).items).toHaveLength(2)

  await fixture.client.plans.delete(bad.id)
  expect(await deprovision(fixture.manager.url)).toEqual([204, 204, 204])
  expect((await fixture.client.plans.list()).items).toEqual([])
  await expect.poll(async () => (await pointsOf(good.id)).length).toBe(1)
  await rm(join(fixture.store, good.id), { recursive: true })
})
