import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Job } from '@osb-backup/protocol/v1'
import { freePort, type ManagerProcess, startAgentProcess, startManagerProcess } from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'
import { databaseScripts, HeldDatabases } from '../fixtures/held-databases.ts'
import { registerInstance } from '../fixtures/register-instance.ts'
import { makeDatabase, type OwnDatabase } from './own-database.ts'

let stack: AsyncDisposableStack
let database: OwnDatabase
let settings: Record<string, string>
let fixture: Fixture
let databases: HeldDatabases
let names = 0

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  database = stack.use(await makeDatabase())
  settings = { DATABASE_URL: database.url, SECRET_KEY: 'ab'.repeat(32), AGENT_UNREACHABLE_SECONDS: '6' }
  fixture = stack.use(await startFixture(databaseScripts, settings))
  databases = new HeldDatabases(fixture.folder)
})
afterAll(() => stack.disposeAsync())

const freeze = () => process.kill(fixture.agent.pid, 'SIGSTOP')
const thaw = () => process.kill(fixture.agent.pid, 'SIGCONT')
const stateOf = async (id: string) => (await fixture.client.jobs.get(id)).state
const becomes = (id: string, state: Job['state']) => expect.poll(() => stateOf(id), { interval: 100 }).toBe(state)

/** A plan of a database of its own, with one restore point. */
async function newPlan(): Promise<{ name: string; planId: string; pointId: string }> {
  const name = `database${++names}`
  await databases.create(name)
  const plan = await fixture.createPlan({ items: [name] })
  expect((await fixture.runPlan(plan.id)).state).toBe('succeeded')
  return { name, planId: plan.id, pointId: (await fixture.newestPoint(plan.id)).id }
}

/** A backup whose agent is frozen while its script waits to be released. */
async function freezeDuringBackup(): Promise<{ name: string; planId: string; jobId: string }> {
  const { name, planId } = await newPlan()
  await databases.hold(name, 'backup')
  const { id: jobId } = await fixture.client.plans.run(planId)
  await expect.poll(async () => (await fixture.client.jobs.get(jobId)).parts[0]?.stage).toBe('backup')
  freeze()
  return { name, planId, jobId }
}

test('a backup at an agent that does not answer is unknown, keeps its database, and leaves its restore point late', async () => {
  const { name, planId, jobId } = await freezeDuringBackup()
  await becomes(jobId, 'unknown')
  expect((await fixture.client.jobs.get(jobId)).parts[0]?.error).toMatch(/has not answered for 6 seconds/)
  expect((await fixture.call('GET', `/backupJobs/${jobId}`)).body.status).toBe('UNKNOWN')
  const other = await fixture.createPlan({ items: [name] })
  await expect(fixture.client.plans.run(other.id)).rejects.toMatchObject({ code: 'database-busy', jobId })
  const waiting = await fixture.client.plans.run(other.id, { wait: true })
  await databases.release(name, 'backup')
  await expect.poll(() => databases.log(name)).toContain('end backup')
  expect(await stateOf(waiting.id)).toBe('queued')
  thaw()
  expect((await fixture.waitForJob(jobId)).state).toBe('succeeded')
  expect(await fixture.newestPoint(planId)).toMatchObject({ jobId, afterFailure: false })
  expect((await fixture.waitForJob(waiting.id)).state).toBe('succeeded')
})

test('another agent that does not know a job says nothing about it', async () => {
  const { name, planId, jobId } = await freezeDuringBackup()
  thaw()
  const other = await startAgentProcess({
    directory_backup: join(fixture.folder, 'other', 'backup'),
    directory_restore: join(fixture.folder, 'other', 'restore'),
    scripts_path: join(fixture.folder, 'scripts'),
    file_destination_root: fixture.store,
  })
  const { password } = fixture.agent
  const moveAgent = async (url: string) =>
    expect((await fixture.call('PATCH', `/v1/agents/${fixture.agentId}`, { url, password })).status).toBe(200)
  await moveAgent(other.url)
  await fixture.restartManager()
  await becomes(jobId, 'unknown')
  expect((await fixture.client.jobs.get(jobId)).parts[0]?.error).toMatch(
    /does not know the job, which began at another/,
  )
  const checkAt = async () => {
    const rows = await database.query<{ at: Date }>('select check_at as at from job_parts where job_id = $1', [jobId])
    return Number(rows[0]?.at)
  }
  // The other agent is asked, and does not bring the job to an end.
  const first = await checkAt()
  await expect.poll(checkAt, { timeout: 60_000 }).toBeGreaterThan(first + 6000)
  expect(await stateOf(jobId)).toBe('unknown')
  await moveAgent(fixture.agent.url)
  await databases.release(name, 'backup')
  expect((await fixture.waitForJob(jobId)).state).toBe('succeeded')
  expect((await fixture.newestPoint(planId)).jobId).toBe(jobId)
  await other.stop()
})

test('what an unknown restore reads is not removed, its instance stays, and a cancel reaches the agent when it answers', async () => {
  const { name, planId, pointId } = await newPlan()
  await databases.hold(name, 'restore')
  const restore = await fixture.client.restorePoints.restore(pointId)
  await expect.poll(() => databases.log(name)).toContain('begin restore')
  freeze()
  await becomes(restore.id, 'unknown')
  const { client } = fixture
  await expect(client.restorePoints.delete(pointId)).rejects.toMatchObject({ status: 409 })
  await expect(client.plans.delete(planId, { files: 'delete' })).rejects.toMatchObject({ status: 409 })
  await expect(client.jobs.delete(restore.id)).rejects.toMatchObject({ status: 409 })
  expect(await client.jobs.cancel(restore.id)).toMatchObject({ state: 'unknown', cancellation: {} })
  thaw()
  expect((await fixture.waitForJob(restore.id)).state).toBe('cancelled')
  await databases.release(name, 'restore')
  expect(await databases.log(name)).not.toContain('end restore')
  await client.restorePoints.delete(pointId)
})

test('an instance is not deleted while a job of unknown outcome may work on it', async () => {
  await registerInstance(fixture.client, 'leaving', fixture.agent, { hosts: [{ address: '10.0.0.9', port: 5432 }] })
  const { name, pointId } = await newPlan()
  await databases.hold(name, 'restore')
  const restore = await fixture.client.restorePoints.restore(pointId, { instanceId: 'leaving' })
  await expect.poll(() => databases.log(name)).toContain('begin restore')
  freeze()
  await becomes(restore.id, 'unknown')
  await expect(fixture.client.instances.delete('leaving')).rejects.toMatchObject({ status: 409, jobId: restore.id })
  await databases.release(name, 'restore')
  thaw()
  expect((await fixture.waitForJob(restore.id)).state).toBe('succeeded')
  await fixture.client.instances.delete('leaving')
})

test('an unknown job can be given up: that says what may still happen, is audited, and frees the database', async () => {
  const { name, planId, jobId } = await freezeDuringBackup()
  await expect(fixture.client.jobs.giveUp(jobId)).rejects.toMatchObject({ status: 409 })
  await becomes(jobId, 'unknown')
  const given = await fixture.client.jobs.giveUp(jobId)
  expect(given).toMatchObject({
    state: 'failed',
    parts: [{ error: expect.stringMatching(/^Given up by first admin token .* continues to work on the database/) }],
  })
  const entries = (await fixture.client.auditEntries.list({})).items
  expect(entries.map((entry) => entry.path)).toContain(`/v1/jobs/${jobId}/give-up`)
  const next = await fixture.client.plans.run(planId)
  await databases.release(name, 'backup')
  thaw()
  expect((await fixture.waitForJob(next.id)).state).toBe('succeeded')
  expect((await fixture.newestPoint(planId)).jobId).toBe(next.id)
  expect(await stateOf(jobId)).toBe('failed')
})

test('a part that its agent has forgotten fails when the agent answers again', async () => {
  const [name, folder, port] = ['forgotten', join(fixture.folder, 'forgetful'), String(await freePort())]
  await databases.create(name)
  await databases.hold(name, 'backup')
  await mkdir(folder)
  const start = (attempt: string) =>
    startAgentProcess({
      client_port: port,
      directory_backup: join(folder, attempt, 'backup'),
      directory_restore: join(folder, attempt, 'restore'),
      scripts_path: join(fixture.folder, 'scripts'),
      file_destination_root: fixture.destinations,
    })
  const agent = await start('first')
  await registerInstance(fixture.client, 'forgetful', agent)
  const directory = join(fixture.destinations, 'forgetful')
  await mkdir(directory)
  const { id: destinationId } = await fixture.client.destinations.create({
    instanceId: 'forgetful',
    name: 'files',
    store: { kind: 'file', directory },
  })
  const plan = await fixture.createPlan({ instanceId: 'forgetful', destinationId, items: [name] })
  const { id } = await fixture.client.plans.run(plan.id)
  await expect.poll(() => databases.log(name)).toContain('begin backup')
  await agent.kill()
  await becomes(id, 'unknown')
  const successor = await start('second')
  expect(await fixture.waitForJob(id)).toMatchObject({
    state: 'failed',
    parts: [{ error: expect.stringContaining('does not know the job') }],
  })
  await databases.release(name, 'backup')
  await successor.stop()
})

test('a manager that takes over a job continues the limit of its agent', async () => {
  const { name, planId } = await newPlan()
  await databases.hold(name, 'backup')
  await fixture.restartManager({ AGENT_UNREACHABLE_SECONDS: '60' })
  const { id } = await fixture.client.plans.run(planId)
  await expect.poll(async () => (await fixture.client.jobs.get(id)).parts[0]?.stage).toBe('backup')
  const second: ManagerProcess = await startManagerProcess({
    ...settings,
    DATA_DIR: join(fixture.folder, 'second'),
    FILE_DESTINATION_ROOT: fixture.store,
  })
  freeze()
  const since = async () => {
    const rows = await database.query<{ since: Date | null }>(
      'select unreachable_since as since from job_parts where job_id = $1',
      [id],
    )
    return rows[0]?.since
  }
  await expect.poll(since).toBeInstanceOf(Date)
  const before = await since()
  await fixture.manager.kill()
  const state = async () => (await second.client.jobs.get(id)).state
  await expect.poll(state, { interval: 100, timeout: 120_000 }).toBe('unknown')
  expect(await since()).toEqual(before)
  await databases.release(name, 'backup')
  thaw()
  await expect.poll(state, { timeout: 120_000 }).toBe('succeeded')
  await second.stop()
})

test.for(['backup-cleanup', 'post-backup-unlock'])(
  'a cancel during %s, when the dump is stored, leaves a restore point',
  async (stage) => {
    await fixture.restartManager()
    const { name, planId } = await newPlan()
    await databases.hold(name, stage)
    const { id } = await fixture.client.plans.run(planId)
    await expect.poll(async () => (await fixture.client.jobs.get(id)).parts[0]?.stage).toBe(stage)
    await fixture.client.jobs.cancel(id)
    await expect.poll(async () => (await fixture.client.jobs.get(id)).cancellation).toBeDefined()
    await databases.release(name, stage)
    await fixture.waitForJob(id)
    expect((await fixture.newestPoint(planId)).jobId).toBe(id)
    const { client } = fixture
    const reconciliation = await client.destinations.reconcile(fixture.destinationId, {})
    const { findings } = await client.reconciliations.wait(reconciliation.id)
    expect(findings?.orphans.filter((orphan) => orphan.name.includes(name))).toEqual([])
  },
)
