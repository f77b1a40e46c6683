import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Plan, PlanCreate, PlanRun } from '@osb-backup/protocol/v1'
import { startManagerProcess } from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { startFaultsProxy } from '../../lab/faults/faults-proxy.ts'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'
import { makeBucket, places } from '../main-job/places.ts'
import { makeDatabase, type OwnDatabase } from './own-database.ts'

const POLL = { timeout: 240_000, interval: 100 }
/** EX_TEMPFAIL */
const TEMPORARY = '75'
const backoff = (seconds: number) => ({ RETRY_BACKOFF_SECONDS: String(seconds), AGENT_UNREACHABLE_SECONDS: '1' })

let fixture: Fixture
let database: OwnDatabase
let settings: Record<string, string>

beforeAll(async () => {
  database = await makeDatabase()
  settings = { DATABASE_URL: database.url, ...backoff(1) }
  const status = 'cat "$(dirname "$0")/$BACKUP_DATABASE.status" 2> /dev/null || echo 0'
  fixture = await startFixture({ backup: `echo content; exit $(${status})` }, settings, { store_outage_seconds: '1' })
})
afterAll(async () => {
  await fixture[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

const statusFile = (item: string) => join(fixture.folder, 'scripts', `${item}.status`)
const failWith = (item: string, status: string) => writeFile(statusFile(item), status)
const succeed = (item: string) => rm(statusFile(item))

/** A plan that is due once, in a moment, and then in a year. */
async function createDuePlan(fields: Partial<PlanCreate> = {}): Promise<Plan> {
  for (;;) {
    const at = new Date(Date.now() + 2000)
    const time = [at.getUTCSeconds(), at.getUTCMinutes(), at.getUTCHours(), at.getUTCDate(), at.getUTCMonth() + 1]
    const plan = await fixture.createPlan({ schedule: { cron: `${time.join(' ')} *` }, ...fields })
    if (Date.parse(plan.nextRunAt ?? '') < at.getTime() + 60_000) return plan
    // It was created too late for that moment.
    await fixture.client.plans.delete(plan.id)
  }
}

/** The only run of a plan, once it is in a state. */
async function runOf(planId: string, state: PlanRun['state']): Promise<PlanRun> {
  const runs = async () => (await fixture.client.plans.runs(planId).list()).items
  await expect.poll(async () => (await runs()).map((run) => run.state), POLL).toEqual([state])
  const [run] = await runs()
  if (run === undefined) throw new Error(`plan ${planId} has no run`)
  return run
}

const jobsOf = async (planId: string) => (await fixture.client.jobs.list({ plan: planId })).items.toReversed()
const failedLastDay = async () => (await fixture.client.overview()).jobs.failedLastDay

test('a run whose destination is down for one attempt is one run with two attempts, and legacy shows two jobs', async () => {
  await makeBucket()
  await using proxy = await startFaultsProxy(new URL(inject('lab').s3.endpoint).origin)
  proxy.spoil(() => ({ kind: 'answer', status: 503 }))
  const failures = await failedLastDay()
  const { destination } = places(fixture.folder).s3
  const store = { ...destination.store, kind: 's3' as const, endpoint: proxy.origin }
  const { id: destinationId } = await fixture.client.destinations.create({ instanceId, name: 'down', store })
  const plan = await createDuePlan({ destinationId, retention: { style: 'count', period: 1 } })

  const waiting = await runOf(plan.id, 'retrying')
  proxy.heal()
  const [failed] = await jobsOf(plan.id)
  expect(failed).toMatchObject({ state: 'failed', attempt: 1, nextAttemptAt: waiting.nextAttemptAt })
  expect(failed?.parts[0]).toMatchObject({ failureCode: 'destination-unavailable' })
  expect(Date.parse(waiting.nextAttemptAt ?? '') - Date.parse(failed?.endedAt ?? '')).toBe(1000)

  const run = await runOf(plan.id, 'succeeded')
  const [first, second] = await jobsOf(plan.id)
  expect(run).toMatchObject({ outcome: 'started', jobId: first?.id })
  expect(run.attempts).toMatchObject([
    { number: 1, jobId: first?.id, state: 'failed' },
    { number: 2, jobId: second?.id, state: 'succeeded' },
  ])
  expect(first).toMatchObject({ nextAttemptId: second?.id })
  expect(first).not.toHaveProperty('nextAttemptAt')
  expect(second).toMatchObject({ attempt: 2, previousAttemptId: first?.id, dueAt: first?.dueAt })
  expect(await fixture.pointsOf(plan.id)).toMatchObject([{ jobId: second?.id }])
  expect(await failedLastDay()).toBe(failures)
  const legacy = await fixture.call('GET', `/backupJobs/byInstance/${instanceId}?page=0&page_size=100`)
  const shown = legacy.body.content.filter((job: { id: string }) => [first?.id, second?.id].includes(job.id))
  expect(shown.map((job: { status: string }) => job.status)).toEqual(['SUCCEEDED', 'FAILED'])
})

test('only the items that failed are retried, and the run fails when no attempt is left', async () => {
  await failWith('broken', TEMPORARY)
  const failures = await failedLastDay()
  const plan = await createDuePlan({ items: ['whole', 'broken'], retries: 2 })
  const run = await runOf(plan.id, 'failed')
  expect(run.attempts.map(({ state }) => state)).toEqual(['failed', 'failed', 'failed'])
  const jobs = await jobsOf(plan.id)
  expect(jobs.map(({ parts }) => parts.map(({ item }) => item))).toEqual([['whole', 'broken'], ['broken'], ['broken']])
  const startOf = (index: number) => Date.parse(jobs[index]?.createdAt ?? '')
  const endOf = (index: number) => Date.parse(jobs[index]?.endedAt ?? '')
  expect(startOf(1) - endOf(0)).toBeGreaterThanOrEqual(1000)
  expect(startOf(2) - endOf(1)).toBeGreaterThanOrEqual(2000)
  expect((await fixture.pointsOf(plan.id)).map(({ item }) => item)).toEqual(['whole'])
  expect(await failedLastDay()).toBe(failures + 1)
})

test('an unreachable agent is retried', async () => {
  const { url, password } = fixture.agent
  await fixture.client.agents.update(fixture.agentId, { url: 'http://127.0.0.1:9', password })
  const plan = await createDuePlan()
  await runOf(plan.id, 'retrying')
  await fixture.client.agents.update(fixture.agentId, { url, password })
  await runOf(plan.id, 'succeeded')
  expect((await jobsOf(plan.id))[0]?.parts[0]).toMatchObject({ failureCode: 'agent-unreachable' })
})

test('permanent failures, and jobs that no schedule started, are not retried', async () => {
  await failWith('wrong', '3')
  await failWith('later', TEMPORARY)
  const wrong = await createDuePlan({ items: ['wrong'] })
  const never = await createDuePlan({ items: ['later'], retries: 0 })
  const onDemand = await fixture.createPlan({ items: ['later'] })
  const job = await fixture.runPlan(onDemand.id)
  expect(job.parts[0]).toMatchObject({ failureCode: 'script-temporary' })
  expect(job).not.toHaveProperty('nextAttemptAt')
  for (const plan of [wrong, never]) {
    const run = await runOf(plan.id, 'failed')
    expect(run).not.toHaveProperty('nextAttemptAt')
    expect(run.attempts).toHaveLength(1)
  }
})

test('a plan that is paused or deleted, a newer run and a cancellation drop the next attempt', async () => {
  await fixture.restartManager(backoff(3600))
  const { client } = fixture
  const items = ['paused', 'deleted', 'newer', 'cancelled', 'fewer']
  for (const item of items) await failWith(item, TEMPORARY)
  const plans = await Promise.all(items.map((item) => createDuePlan({ items: [item] })))
  const jobIds = await Promise.all(plans.map(async ({ id }) => (await runOf(id, 'retrying')).jobId ?? ''))
  const [paused = '', deleted = '', newer = '', , fewer = ''] = plans.map(({ id }) => id)
  await client.plans.update(paused, { paused: true })
  await client.plans.delete(deleted)
  await client.plans.run(newer)
  await client.jobs.cancel(jobIds[3] ?? '')
  await client.plans.update(fewer, { retries: 0 })
  for (const id of jobIds) expect(await client.jobs.get(id)).not.toHaveProperty('nextAttemptAt')
  expect((await fixture.call('POST', `/v1/jobs/${jobIds[3]}/cancel`)).status).toBe(409)

  // The job ends, and its next attempt is scheduled, while it is cancelled.
  await failWith('racing', TEMPORARY)
  const racing = await createDuePlan({ items: ['racing'] })
  const jobId = (await runOf(racing.id, 'retrying')).jobId ?? ''
  await database.query('update backup_plans set retry_of_job_id = null where id = $1', [racing.id])
  await database.query('begin')
  await database.query('select from jobs where id = $1 for update', [jobId])
  const cancelling = client.jobs.cancel(jobId)
  const blocked = 'select from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))'
  await expect.poll(async () => (await database.query(blocked)).length, POLL).toBeGreaterThan(0)
  await database.query('update backup_plans set retry_of_job_id = $2 where id = $1', [racing.id, jobId])
  await database.query('commit')
  expect(await cancelling).not.toHaveProperty('nextAttemptAt')
  const pending = 'select from backup_plans where retry_at is not null or retry_of_job_id is not null'
  expect(await database.query(pending)).toEqual([])
})

test('an attempt survives managers that are killed, and two of them start it once', async () => {
  await fixture.restartManager(backoff(3))
  const names = Array.from({ length: 8 }, (_, index) => `killed${index}`)
  for (const name of names) await failWith(name, TEMPORARY)
  const plans = await Promise.all(names.map((name) => createDuePlan({ items: [name], retries: 1 })))
  await Promise.all(plans.map(({ id }) => runOf(id, 'retrying')))
  await fixture.manager.kill()
  for (const name of names) await succeed(name)

  const another = startManagerProcess({
    ...settings,
    DATA_DIR: join(fixture.folder, 'manager'),
    FILE_DESTINATION_ROOT: fixture.store,
  })
  await Promise.all([fixture.restartManager(), another])
  for (const plan of plans) {
    expect((await runOf(plan.id, 'succeeded')).attempts).toHaveLength(2)
    expect(await jobsOf(plan.id)).toHaveLength(2)
  }
  await (await another).stop()
})
