import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'

let fixture: Fixture
let planId: string
const call: Fixture['call'] = (...call) => fixture.call(...call)

beforeAll(async () => {
  fixture = await startFixture({ restore: 'cat >"$(dirname "$0")/../restored-$BACKUP_DATABASE"' })
  planId = (await fixture.createPlan({ items: ['db1', 'db2'] })).id
})
afterAll(() => fixture[Symbol.asyncDispose]())

/** Backs both items up, and answers their restore points by item. */
async function backUp(): Promise<
  Record<'db1' | 'db2', { id: string; filename: string; takenAt: string; sha256: string }>
> {
  const { id, state } = await fixture.runPlan(planId)
  expect(state).toBe('succeeded')
  const { body } = await call('GET', '/restorePoints/byInstance/i')
  const points = body.content.filter((point: { backupJobId: string }) => point.backupJobId === id)
  return Object.fromEntries(points.map((point: { item: string }) => [point.item, point])) as Awaited<
    ReturnType<typeof backUp>
  >
}

const objectOf = (point: { filename: string }) => join(fixture.store, planId, point.filename)

test('a backup job leaves one point an item, listed by plan, item and time', async () => {
  const { db1, db2 } = await backUp()
  expect(db1).toMatchObject({
    service_instance_id: 'i',
    backupPlanId: planId,
    filenamePrefix: `${planId}/`,
    sizeBytes: 'the content of db1\n'.length,
    originalSizeBytes: 'the content of db1\n'.length,
    compression: 'none',
    encrypted: false,
    recipients: [],
    held: false,
  })
  const later = await backUp()
  const list = async (query: string) => {
    const { status, body } = await call('GET', `/restorePoints/byInstance/i?${query}`)
    expect(status).toBe(200)
    return body.content.map((point: { id: string }) => point.id)
  }
  expect(await list('item=db1')).toEqual([later.db1.id, db1.id])
  expect(await list('item=db2&sort=takenAt,asc')).toEqual([db2.id, later.db2.id])
  expect(await list(`takenFrom=${encodeURIComponent(later.db1.takenAt)}&item=db1`)).toEqual([later.db1.id])
  expect(await list(`takenUntil=${encodeURIComponent(later.db1.takenAt)}&item=db1`)).toEqual([db1.id])
  expect(await list('plan=another')).toEqual([])
  expect((await call('GET', '/restorePoints/byInstance/i?takenFrom=yesterday')).status).toBe(400)
})

test('a preview says which points a retention would keep, and deletes none', async () => {
  await backUp()
  const newest = await backUp()
  const asked = { id: planId, frequency: '@daily', retentionStyle: 'FILES', retentionPeriod: 1 } as const
  const { restorePoints } = (await call('POST', '/backupPlans/preview', asked)).body as {
    restorePoints: { id: string; kept: boolean }[]
  }
  expect(restorePoints.length).toBeGreaterThanOrEqual(4)
  const kept = restorePoints.filter((point) => point.kept).map((point) => point.id)
  expect(kept.toSorted()).toEqual([newest.db1.id, newest.db2.id].toSorted())
  expect(await fixture.pointsOf(planId)).toHaveLength(restorePoints.length)
})

test('a held point is not deleted, neither alone nor with its job', async () => {
  const { db1, db2 } = await backUp()
  expect((await call('POST', `/restorePoints/${db1.id}/hold`)).body.held).toBe(true)
  expect((await call('DELETE', `/restorePoints/${db1.id}`)).status).toBe(409)
  const { backupJobId } = (await call('GET', `/restorePoints/${db1.id}`)).body
  expect((await call('DELETE', `/backupJobs/${backupJobId}/file`)).status).toBe(409)
  for (const point of [db1, db2]) expect(await readFile(objectOf(point), 'utf8')).toContain('the content')
  expect((await call('POST', `/restorePoints/${db1.id}/release`)).body.held).toBe(false)
  expect((await call('DELETE', `/restorePoints/${db1.id}`)).status).toBe(204)
  await expect(readFile(objectOf(db1))).rejects.toThrow('ENOENT')
  expect((await call('GET', `/restorePoints/${db1.id}`)).status).toBe(404)
  expect(await readFile(objectOf(db2), 'utf8')).toBe('the content of db2\n')
})

test('a verification distinguishes an intact object from a damaged and from a missing one', async () => {
  const { db1, db2 } = await backUp()
  const verify = async (id: string) => (await call('POST', `/restorePoints/${id}/verify`)).body.verification?.state
  expect(await verify(db1.id)).toBe('intact')
  await writeFile(objectOf(db1), 'the content of dbX\n')
  expect(await verify(db1.id)).toBe('damaged')
  await rm(objectOf(db2))
  expect(await verify(db2.id)).toBe('missing')
  expect((await call('GET', `/restorePoints/${db2.id}`)).body.verification).toMatchObject({ state: 'missing' })
})

test('a restore from a point goes under another database name, also after its job and plan were deleted', async () => {
  const { db1 } = await backUp()
  const { backupJobId } = (await call('GET', `/restorePoints/${db1.id}`)).body
  expect((await call('DELETE', `/backupJobs/${backupJobId}`)).status).toBe(204)
  expect((await call('DELETE', `/backupPlans/${planId}`)).status).toBe(200)
  const { status, body } = await call('POST', `/restorePoints/${db1.id}/restore`, { database: 'copy' })
  expect(status).toBe(201)
  const job = await fixture.waitForJob(body.restoreJob.id)
  expect(job.state).toBe('succeeded')
  expect(await readFile(join(fixture.folder, 'restored-copy'), 'utf8')).toBe('the content of db1\n')
})
