import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'

const top = '$(dirname "$0")/..'
let fixture: Fixture

beforeAll(async () => {
  const scripts = { 'pre-backup-lock': 'true', 'post-backup-unlock': `[ ! -e "${top}/broken" ]` }
  fixture = await startFixture(scripts, {}, { unlock_wait_seconds: '5' })
})
afterAll(() => fixture[Symbol.asyncDispose]())

const breakUnlock = () => writeFile(join(fixture.folder, 'broken'), '')
const mendUnlock = () => rm(join(fixture.folder, 'broken'))
const partOf = async (jobId: string) => (await fixture.client.jobs.get(jobId)).parts[0]
const lockedDatabases = async () => (await fixture.client.overview()).lockedDatabases

/** A session in the manager's database. */
async function connect() {
  const client = await fixture.connectDatabase()
  return { client, [Symbol.asyncDispose]: () => client.end() }
}

/** Starts a backup whose unlock fails, and waits until that is known. */
async function lockDatabase(item: string): Promise<{ planId: string; jobId: string }> {
  await breakUnlock()
  const plan = await fixture.createPlan({ items: [item] })
  const { id: jobId } = await fixture.client.plans.run(plan.id)
  await expect.poll(async () => (await partOf(jobId))?.unlockAttempts, { timeout: 60_000 }).toBeGreaterThan(0)
  return { planId: plan.id, jobId }
}

test('a database whose unlock fails is shown as locked with its job, its instance and in the overview, until it is unlocked', async () => {
  const { planId, jobId } = await lockDatabase('shop')
  const part = await partOf(jobId)
  expect(part).toMatchObject({ state: 'running', stage: 'post-backup-unlock', lockedSince: expect.any(String) })
  expect(part?.error).toMatch(/^UNLOCK FAILED, the database may still be locked: /)
  expect((await fixture.client.instances.get(instanceId)).lockedSince).toBe(part?.lockedSince)
  expect((await fixture.client.instances.list()).items[0]?.lockedSince).toBe(part?.lockedSince)
  expect(await lockedDatabases()).toEqual([
    { instanceId, database: 'shop', jobId, lockedSince: part?.lockedSince, unlockAttempts: expect.any(Number) },
  ])

  // Past the time that the job waits: it has failed, and the database is locked still.
  expect((await fixture.waitForJob(jobId)).state).toBe('failed')
  expect(await partOf(jobId)).toMatchObject({ state: 'failed', lockedSince: part?.lockedSince })
  expect(await lockedDatabases()).toHaveLength(1)

  // Deleting the job would hide that.
  for (const path of [`/v1/jobs/${jobId}`, `/backupJobs/${jobId}`]) {
    expect(await fixture.call('DELETE', path)).toMatchObject({
      status: 409,
      text: expect.stringMatching(/retry-unlock.*mark-unlocked/),
    })
  }
  expect((await fixture.call('DELETE', `/backupJobs/byInstance/${instanceId}`)).status).toBe(204)
  expect(await lockedDatabases()).toHaveLength(1)

  // As if the job had been given up before its agent could report the lock.
  await using sql = await connect()
  await sql.client.query('update job_parts set locked_since = null, unlock_attempts = null where job_id = $1', [jobId])
  expect(await lockedDatabases()).toEqual([])
  /** Read after a check of the agent was made due. */
  const checkedLock = async () => {
    await sql.client.query('update agents set check_at = now()')
    return (await partOf(jobId))?.lockedSince
  }
  await expect.poll(checkedLock, { interval: 1000 }).toBe(part?.lockedSince)
  await mendUnlock()
  await fixture.client.jobs.retryUnlock(jobId)
  // Found by a check of the agent.
  await expect.poll(checkedLock, { interval: 1000 }).toBeUndefined()
  expect(await lockedDatabases()).toEqual([])
  expect((await fixture.client.instances.get(instanceId)).lockedSince).toBeUndefined()

  // That another agent, at another URL, does not report a lock says nothing about it.
  const setLock = (url: string) =>
    sql.client.query(
      'update job_parts set locked_since = now(), unlock_attempts = 1, agent_url = $2 where job_id = $1',
      [jobId, url],
    )
  await setLock('http://127.0.0.1:9')
  await sql.client.query('update agents set check_at = now()')
  const isChecked = async () => (await sql.client.query('select from agents where check_at > now()')).rowCount === 1
  await expect.poll(isChecked, { timeout: 60_000 }).toBe(true)
  await new Promise((resolve) => setTimeout(resolve, 2000))
  expect(await lockedDatabases()).toHaveLength(1)
  await setLock(fixture.agent.url)
  await sql.client.query('update agents set check_at = now()')
  await expect.poll(lockedDatabases, { timeout: 60_000 }).toEqual([])
  expect((await fixture.runPlan(planId)).state).toBe('succeeded')
})

test('an operator marks a database as unlocked, which is audited', async () => {
  const { planId, jobId } = await lockDatabase('orders')
  const job = await fixture.client.jobs.markUnlocked(jobId)
  expect(job.parts[0]?.lockedSince).toBeUndefined()
  expect((await fixture.waitForJob(jobId)).state).toBe('failed')
  expect((await partOf(jobId))?.error).toMatch(/^unlock failed, and an operator marked the database as unlocked: /)
  const { items } = await fixture.client.auditEntries.list()
  expect(items.map(({ path }) => path)).toContain(`/v1/jobs/${jobId}/mark-unlocked`)
  for (const action of ['retryUnlock', 'markUnlocked'] as const) {
    await expect(fixture.client.jobs[action](jobId)).rejects.toMatchObject({ status: 409, code: 'conflict' })
  }
  await mendUnlock()
  expect((await fixture.runPlan(planId)).state).toBe('succeeded')
})
