import { existsSync } from 'node:fs'
import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { RestorePoint } from '@osb-backup/protocol'
import { TEST_TOKEN } from '@osb-backup/testkit'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { instanceId, jobEnd, makeSmallWorld, runPlan, type SmallWorld } from './small-world.ts'

let world: SmallWorld

beforeAll(async () => {
  world = await makeSmallWorld({
    backup: 'if [ "$BACKUP_DATABASE" = fails ]; then exit 1; fi; echo "the content of $BACKUP_DATABASE"',
    restore: `sleep 2; cat >/dev/null`,
  })
})
afterAll(() => world[Symbol.asyncDispose]())

/** The restore points of a plan, newest first, also those that are being removed. */
async function pointsOf(planId: string): Promise<RestorePoint[]> {
  return (await world.client.restorePoints.list(instanceId, { plan: planId, size: 100 })).content
}

/** A session of its own in the manager's database. */
async function superuser(): Promise<Client> {
  const sql = new Client({ host: join(world.folder, 'manager', 'postgres'), user: 'osb_backup', database: 'postgres' })
  await sql.connect()
  return sql
}

const objectsOf = async (planId: string) => (await readdir(join(world.store, planId))).sort()

test('FILES keeps the newest of each item, and what is swept is gone from the store', async () => {
  const plan = await world.makePlan({ retentionStyle: 'FILES', retentionPeriod: 2, items: ['db1', 'db2'] })
  for (let run = 0; run < 4; run++) await runPlan(world, plan.id)
  await expect.poll(async () => (await pointsOf(plan.id)).length).toBe(4)
  const points = await pointsOf(plan.id)
  expect(points.map((point) => point.item).sort()).toEqual(['db1', 'db1', 'db2', 'db2'])
  const named = points.map((point) => point.filename).sort()
  expect((await objectsOf(plan.id)).filter((name) => !name.endsWith('.manifest.json'))).toEqual(named)
})

test('what is held stays, and so does the newest success of an item that fails since', async () => {
  const plan = await world.makePlan({ retentionStyle: 'FILES', retentionPeriod: 1, items: ['db1'] })
  await runPlan(world, plan.id)
  const [held] = await pointsOf(plan.id)
  await world.client.restorePoints.hold(held?.id ?? '')
  await runPlan(world, plan.id)
  await runPlan(world, plan.id)
  await expect.poll(async () => (await pointsOf(plan.id)).length).toBe(2)
  expect((await pointsOf(plan.id)).map((point) => point.held)).toEqual([false, true])

  const failing = await world.client.backupPlans.update(plan.id, { ...plan, items: ['db1', 'fails'] })
  expect((await runPlan(world, failing.id)).status).toBe('FAILED')
  await expect.poll(async () => (await pointsOf(plan.id)).length).toBe(2)
})

test('an object whose store refuses is tried again, and shown as going until it is gone', async () => {
  const plan = await world.makePlan({ retentionStyle: 'FILES', retentionPeriod: 1 })
  await runPlan(world, plan.id)
  const [old] = await pointsOf(plan.id)
  await world.client.restorePoints.hold(old?.id ?? '')
  await runPlan(world, plan.id)
  await rename(world.store, `${world.store}.away`)
  await world.client.restorePoints.release(old?.id ?? '')
  const refused = await world.call('DELETE', `/restorePoints/${old?.id}`)
  expect(refused.status).toBe(409)
  expect(refused.body.detail).toMatch(/not removed yet; removal is retried until it succeeds/)
  const going = await world.client.restorePoints.get(old?.id ?? '')
  expect(going.removal).toMatchObject({ reason: 'REQUESTED' })
  expect(going.removal?.error).toMatch(/directory/)
  // Nothing is restored from it any more, and nobody can hold it.
  expect((await world.call('POST', `/restorePoints/${old?.id}/restore`, {})).status).toBe(409)
  expect((await world.call('POST', `/restorePoints/${old?.id}/hold`)).status).toBe(409)

  await rename(`${world.store}.away`, world.store)
  expect((await world.call('DELETE', `/restorePoints/${old?.id}`)).status).toBe(204)
  expect((await pointsOf(plan.id)).length).toBe(1)
  expect((await objectsOf(plan.id)).filter((name) => !name.endsWith('.manifest.json')).length).toBe(1)
})

test('a sweep that breaks off half-way is done again soon', async () => {
  const plan = await world.makePlan({ retentionStyle: 'FILES', retentionPeriod: 1 })
  await runPlan(world, plan.id)
  const [old] = await pointsOf(plan.id)
  const sql = await superuser()
  await sql.query('begin')
  await sql.query('select from restore_points where id = $1 for update', [old?.id])
  await runPlan(world, plan.id)
  // The sweep waits for the point; its connection ends, as that of a manager that is killed.
  const breakOff = 'select pg_terminate_backend(pid) from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0'
  await expect.poll(async () => (await sql.query(breakOff)).rowCount).toBe(1)
  await sql.query('rollback')
  await sql.end()
  await expect.poll(async () => (await pointsOf(plan.id)).length).toBe(1)
})

test('an object that took the name of one that is gone is not removed in its place', async () => {
  const plan = await world.makePlan()
  await runPlan(world, plan.id)
  const [old] = await pointsOf(plan.id)
  const sql = await superuser()
  // As a manager leaves it that was killed after the store had removed the object, and before it had written that down.
  await sql.query(
    `update restore_points set removal_requested_at = now(), removal_reason = 'REQUESTED', removal_attempts = 1,
       next_removal_at = now() + interval '1 minute' where id = $1`,
    [old?.id],
  )
  await rm(join(world.store, plan.id), { recursive: true })
  await runPlan(world, plan.id)
  const [young, ...others] = await pointsOf(plan.id)
  expect(young?.filename).toBe(old?.filename)
  expect(others).toEqual([])
  await sql.query('update restore_points set next_removal_at = now() where id = $1', [old?.id])
  await new Promise((resolve) => setTimeout(resolve, 2500))
  expect(await objectsOf(plan.id)).toContain(young?.filename)
  await sql.end()
})

test('a destination that holds backups is not led elsewhere', async () => {
  const plan = await world.makePlan()
  await runPlan(world, plan.id)
  const elsewhere = { type: 'FILE', name: 'files', directory: join(world.store, 'elsewhere') } as const
  const request = { ...elsewhere, serviceInstance: { service_instance_id: instanceId } }
  const refused = await world.call('PATCH', `/fileDestinations/${world.destinationId}`, request)
  expect(refused.status).toBe(409)
  expect(refused.body.detail).toMatch(/create a new one/)
  const same = { ...request, name: 'renamed', directory: world.store }
  expect((await world.call('PATCH', `/fileDestinations/${world.destinationId}`, same)).status).toBe(200)
})

test('a change of retention deletes nothing for a while', async () => {
  const plan = await world.makePlan()
  for (let run = 0; run < 3; run++) await runPlan(world, plan.id)
  const changed = await world.client.backupPlans.update(plan.id, { ...plan, retentionStyle: 'FILES' })
  const hoursLeft = (Date.parse(changed.retentionCountsFrom ?? '') - Date.now()) / 3_600_000
  expect(hoursLeft).toBeGreaterThan(23.9)
  await runPlan(world, plan.id)
  await new Promise((resolve) => setTimeout(resolve, 2500))
  expect((await pointsOf(plan.id)).length).toBe(4)
})

test('without a grace the change counts at the next sweep, and is not told of any more', async () => {
  await world.restartManager({ RETENTION_CHANGE_GRACE_HOURS: '0' })
  const plan = await world.makePlan()
  for (let run = 0; run < 3; run++) await runPlan(world, plan.id)
  await world.client.backupPlans.update(plan.id, { ...plan, retentionStyle: 'FILES', retentionPeriod: 1 })
  await runPlan(world, plan.id)
  await expect.poll(async () => (await pointsOf(plan.id)).length).toBe(1)
  expect(await world.client.backupPlans.get(plan.id)).not.toHaveProperty('retentionCountsFrom')
  await world.restartManager()
})

test('a deleted plan leaves its restore points, unless the files are asked for', async () => {
  const [kept, gone] = [await world.makePlan(), await world.makePlan()]
  for (const plan of [kept, gone]) await runPlan(world, plan.id)
  await world.client.backupPlans.remove(kept.id)
  await world.client.backupPlans.remove(gone.id, { files: 'delete' })
  await expect.poll(async () => (await pointsOf(gone.id)).length).toBe(0)
  expect(existsSync(join(world.store, gone.id))).toBe(false)
  expect((await pointsOf(kept.id)).length).toBe(1)
  expect((await world.call('DELETE', `/backupPlans/${kept.id}?files=yes`)).status).toBe(400)
})

test('what a restore reads is not removed before it is over', async () => {
  const plan = await world.makePlan()
  await runPlan(world, plan.id)
  const [point] = await pointsOf(plan.id)
  const restore = await world.client.restorePoints.startRestore(point?.id ?? '', { database: 'copy' })
  const refused = await world.call('DELETE', `/restorePoints/${point?.id}`)
  expect(refused.status).toBe(409)
  expect(refused.body.detail).toMatch(/is being restored/)
  expect((await jobEnd(world.client, restore.id)).status).toBe('SUCCEEDED')
  expect((await world.call('DELETE', `/restorePoints/${point?.id}`)).status).toBe(204)
})

/** What a broker does when its instance is deprovisioned. */
async function deprovision(): Promise<number[]> {
  const statuses: number[] = []
  for (const what of ['backupJobs', 'backupPlans', 'fileDestinations']) {
    const response = await fetch(`${world.manager.url}/${what}/byInstance/${instanceId}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${TEST_TOKEN}` },
    })
    statuses.push(response.status)
  }
  return statuses
}

test('a last backup before deprovisioning that fails keeps everything, and one that succeeds stays', async () => {
  await world.restartManager({ DEPROVISION_FILES: 'delete', DEPROVISION_BACKUP_SECONDS: '30' })
  for (const { id } of (await world.client.backupPlans.list(instanceId)).content) {
    await world.client.backupPlans.remove(id, { files: 'delete' })
  }
  const good = await world.makePlan()
  const bad = await world.makePlan({ items: ['fails'] })
  await runPlan(world, good.id)
  const refused = await world.call('DELETE', `/backupPlans/byInstance/${instanceId}`)
  expect(refused.status).toBe(409)
  expect(refused.body.detail).toMatch(/Nothing was deleted, since the final backup \(job \w+\) failed/)
  expect((await world.client.backupPlans.list(instanceId)).totalElements).toBe(2)

  await world.client.backupPlans.remove(bad.id)
  expect(await deprovision()).toEqual([204, 204, 204])
  expect((await world.client.backupPlans.list(instanceId)).totalElements).toBe(0)
  await expect.poll(async () => (await pointsOf(good.id)).length).toBe(1)
  await rm(join(world.store, good.id), { recursive: true })
})
