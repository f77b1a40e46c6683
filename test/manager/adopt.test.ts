import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'
import { makeDatabase, type OwnDatabase } from './own-database.ts'

let fixture: Fixture
let database: OwnDatabase

beforeAll(async () => {
  database = await makeDatabase()
  fixture = await startFixture(
    { restore: 'cat > "$(dirname "$0")/restored"' },
    { DATABASE_URL: database.url, RETENTION_CHANGE_GRACE_HOURS: '0' },
  )
})
afterAll(async () => {
  await fixture[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

/** Adopts what it can in the destination of the fixture. */
async function adopt() {
  const { id } = await fixture.client.destinations.reconcile(fixture.destinationId, {
    adopt: true,
    olderThanSeconds: 0,
  })
  const { state, error, findings } = await fixture.client.reconciliations.wait(id, {
    signal: AbortSignal.timeout(60_000),
  })
  expect([state, error]).toEqual(['succeeded', undefined])
  return findings
}

/** Forgets restore points, as a manager has that lost them. */
const forget = (ids: string[]) => database.query('delete from restore_points where id = any($1)', [ids])

/** The contents of all files of a plan, by name. */
async function filesOf(planId: string): Promise<Record<string, string>> {
  const folder = join(fixture.store, planId)
  const names = (await readdir(folder)).sort()
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'latin1')))
  return Object.fromEntries(names.map((name, index) => [name, texts[index] ?? '']))
}

test('orphans with a manifest become restore points on hold, in the order of their time, and can be restored', async () => {
  const plan = await fixture.createPlan({ items: ['db1', 'db2'] })
  const jobs = [await fixture.runPlan(plan.id), await fixture.runPlan(plan.id), await fixture.runPlan(plan.id)]
  expect(jobs.map(({ state }) => state)).toEqual(['succeeded', 'succeeded', 'succeeded'])
  const lost = (await fixture.pointsOf(plan.id)).filter(({ jobId }) => jobId === jobs[1]?.id)
  expect(lost).toHaveLength(2)
  await forget(lost.map(({ id }) => id))
  const files = await filesOf(plan.id)

  const found = await adopt()
  expect(found?.adopted.map(({ name }) => name).sort()).toEqual(lost.map(({ objectName }) => objectName).sort())
  expect(found).toMatchObject({ adoptedCount: 2, notAdoptedCount: 0, orphanCount: 0, missingCount: 0 })
  const after = await fixture.pointsOf(plan.id)
  const [newest, middle, oldest] = [after.slice(0, 2), after.slice(2, 4), after.slice(4)]
  expect(new Set(newest.map(({ jobId }) => jobId))).toEqual(new Set([jobs[2]?.id]))
  expect(new Set(oldest.map(({ jobId }) => jobId))).toEqual(new Set([jobs[0]?.id]))
  for (const point of middle) {
    const original = lost.find(({ objectName }) => objectName === point.objectName)
    const { id, warnings, held, takenAt, ...rest } = point
    expect({ held, codes: warnings.map(({ code }) => code) }).toEqual({ held: true, codes: ['adopted'] })
    expect(original).toMatchObject(rest)
  }
  expect(await filesOf(plan.id)).toEqual(files)
  expect(await adopt()).toMatchObject({ adoptedCount: 0, notAdoptedCount: 0, orphanCount: 0 })

  const [point] = middle
  const { id } = await fixture.client.restorePoints.restore(point?.id ?? '')
  expect((await fixture.waitForJob(id)).state).toBe('succeeded')
  expect(await readFile(join(fixture.folder, 'scripts/restored'), 'utf8')).toBe(`the content of ${point?.item}\n`)

  // Retention deletes neither what was adopted nor what is newer than it.
  await fixture.client.plans.update(plan.id, { retention: { style: 'count', period: 1 } })
  const last = await fixture.runPlan(plan.id)
  const jobsLeft = async () => new Set((await fixture.pointsOf(plan.id)).map(({ jobId }) => jobId))
  await expect.poll(jobsLeft, { timeout: 60_000 }).toEqual(new Set([last.id, jobs[1]?.id]))
})

test('manifests that lie are reported, and neither they nor their objects are touched', async () => {
  const plan = await fixture.createPlan()
  const other = await fixture.createPlan()
  const otherJob = await fixture.runPlan(other.id)
  await fixture.runPlan(plan.id)
  const { id, objectName } = await fixture.newestPoint(plan.id)
  const manifest = await readFile(join(fixture.store, `${objectName}.manifest.json`), 'utf8')
  const dump = await readFile(join(fixture.store, objectName))
  const put = async (name: string, text: string | undefined, content: Buffer | undefined = dump) => {
    const path = join(fixture.store, plan.id, name)
    if (content !== undefined) await writeFile(path, content)
    if (text !== undefined) await writeFile(`${path}.manifest.json`, text)
  }
  const changed = (name: string, fields: object) => JSON.stringify({ ...JSON.parse(manifest), object: name, ...fields })
  await put('truncated', manifest.slice(0, 200))
  await put('empty', '')
  await put('binary', '\u0000\u0001{')
  await put('other-name', manifest)
  await put('shorter', changed('shorter', {}), dump.subarray(1))
  await put('path', changed('path', { item: '../../etc' }))
  await put('tenant', changed('tenant', { instance: { id: 'another' } }))
  await put('plan', changed('plan', { plan: { id: other.id } }))
  await put('deep', `${'['.repeat(200_000)}`)
  await put('recipients', changed('recipients', { recipients: ['AGE-SECRET-KEY-1'] }))
  // The job of another plan, in the far future: recorded, but as neither.
  await put('usurper', changed('usurper', { job: `${otherJob.id}0`, startedAt: '9999-01-01T00:00:00Z' }))
  const files = await filesOf(plan.id)

  const found = await adopt()
  const problems = found?.notAdopted.map(({ name }) => name.slice(plan.id.length + 1)).sort()
  expect(problems).toEqual(
    ['binary', 'deep', 'empty', 'other-name', 'path', 'plan', 'recipients', 'shorter', 'tenant', 'truncated'].sort(),
  )
  expect(found?.notAdopted.every(({ problem }) => problem.length > 10)).toBe(true)
  expect(found?.adopted.map(({ name }) => name)).toEqual([`${plan.id}/usurper`])
  const usurper = (await fixture.pointsOf(plan.id)).find(({ objectName: name }) => name.endsWith('usurper'))
  expect(usurper?.jobId).not.toBe(otherJob.id)
  expect(Date.parse(usurper?.takenAt ?? '')).toBeLessThan(Date.now() + 60_000)
  expect((await fixture.client.restorePoints.get(id)).held).toBe(false)
  expect(await filesOf(plan.id)).toEqual(files)
})

test('an object that was adopted and deleted before is adopted again, however often', async () => {
  const plan = await fixture.createPlan()
  await fixture.runPlan(plan.id)
  const { objectName } = await fixture.newestPoint(plan.id)
  const paths = [objectName, `${objectName}.manifest.json`].map((name) => join(fixture.store, name))
  const contents = await Promise.all(paths.map((path) => readFile(path)))
  for (let round = 0; round < 3; round++) {
    const { id, held } = await fixture.newestPoint(plan.id)
    if (held) await fixture.client.restorePoints.release(id)
    await fixture.client.restorePoints.delete(id)
    await mkdir(join(fixture.store, plan.id), { recursive: true })
    await Promise.all(paths.map((path, index) => writeFile(path, contents[index] ?? '')))
    expect((await adopt())?.adopted.map(({ name }) => name)).toEqual([objectName])
    expect(await fixture.pointsOf(plan.id)).toMatchObject([{ objectName, held: true }])
  }
})

test('orphans are not removed and adopted at once', async () => {
  const both = fixture.client.destinations.reconcile(fixture.destinationId, { adopt: true, remove: true })
  await expect(both).rejects.toMatchObject({ status: 400, field: 'adopt' })
})

test('a manifest without its object is reported', async () => {
  const plan = await fixture.createPlan()
  await fixture.runPlan(plan.id)
  const { id, objectName } = await fixture.newestPoint(plan.id)
  const path = join(fixture.store, `${objectName}.manifest.json`)
  const manifest = await readFile(path)
  await fixture.client.restorePoints.delete(id)
  await mkdir(join(fixture.store, plan.id), { recursive: true })
  await writeFile(path, manifest)
  const found = await adopt()
  expect(found?.notAdopted).toContainEqual({ name: objectName, problem: 'There is a manifest, but no object.' })
})
