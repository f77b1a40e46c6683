import { setTimeout as sleep } from 'node:timers/promises'
import type { PlanRun } from '@osb-backup/protocol/v1'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'

const everySecond = '* * * * * *'
let fixture: Fixture

beforeAll(async () => {
  fixture = await startFixture({ backup: 'if [ "$BACKUP_DATABASE" = slow ]; then sleep 3; fi; echo content' })
})
afterAll(() => fixture[Symbol.asyncDispose]())

/** What became of the runs of a plan, oldest first. */
async function runsOf(planId: string): Promise<PlanRun[]> {
  return (await Array.fromAsync(fixture.client.plans.runs(planId).iterate({ limit: 500 }))).reverse()
}

const secondsOf = (instant: string) => Date.parse(instant) / 1000
const startedOf = (runs: PlanRun[]) => runs.filter((run) => run.outcome === 'started')

/** Every second from the first run to the last is in one record, also where the machine was too slow to start it. */
function expectNoGap(runs: PlanRun[]): void {
  const spans = runs.map((run) => ({ from: secondsOf(run.dueAt), until: secondsOf(run.lastDueAt), runs: run.runCount }))
  for (const [index, span] of spans.entries()) {
    expect(span.runs).toBe(span.until - span.from + 1)
    if (index > 0) expect(span.from).toBe((spans[index - 1]?.until ?? Number.NaN) + 1)
  }
}

test('a plan that is due runs, each time once, and says when it is due next', async () => {
  const plan = await fixture.createPlan({ schedule: { cron: everySecond } })
  expect(plan.nextRunAt).toBeDefined()
  await expect.poll(async () => startedOf(await runsOf(plan.id)).length).toBeGreaterThan(3)
  const paused = await fixture.client.plans.update(plan.id, { paused: true })
  expect(paused.nextRunAt).toBeUndefined()

  const runs = await runsOf(plan.id)
  expectNoGap(runs)
  for (const run of startedOf(runs)) {
    const job = await fixture.waitForJob(run.jobId ?? '')
    expect(job).toMatchObject({ state: 'succeeded', dueAt: run.dueAt, late: false })
  }
})

test('a paused plan stays paused, also over a restart, and does not run at once when it is resumed', async () => {
  const plan = await fixture.createPlan({ schedule: { cron: everySecond }, paused: true })
  await fixture.restartManager()
  await sleep(1500)
  expect(await runsOf(plan.id)).toEqual([])
  const goesOn = await fixture.client.plans.update(plan.id, { paused: false, schedule: { cron: '0 0 2 1 1 *' } })
  expect(secondsOf(goesOn.nextRunAt ?? '')).toBeGreaterThan(Date.now() / 1000)
  const moved = await fixture.client.plans.update(plan.id, { schedule: { cron: '0 0 3 1 1 *' } })
  expect(secondsOf(moved.nextRunAt ?? '') - secondsOf(goesOn.nextRunAt ?? '')).toBe(3600)
  const elsewhere = await fixture.client.plans.update(plan.id, { schedule: { timezone: 'Asia/Kathmandu' } })
  expect(secondsOf(elsewhere.nextRunAt ?? '') - secondsOf(moved.nextRunAt ?? '')).toBe(-5.75 * 3600)
  expect(await runsOf(plan.id)).toEqual([])
})

test('a run that finds an open job of its plan is skipped, and says which job blocked it', async () => {
  const plan = await fixture.createPlan({ schedule: { cron: everySecond }, items: ['slow'] })
  await expect.poll(async () => startedOf(await runsOf(plan.id)).length).toBe(2)
  await fixture.client.plans.update(plan.id, { paused: true })
  const runs = await runsOf(plan.id)
  const skipped = runs.filter((run) => run.outcome === 'skipped')
  expect(skipped.length).toBeGreaterThanOrEqual(2)
  const [first, second] = startedOf(runs)
  expect(skipped[0]).toMatchObject({
    jobId: first?.jobId,
    reason: `The job ${first?.jobId} of this plan had not ended yet.`,
  })
  const firstJob = await fixture.waitForJob(first?.jobId ?? '')
  const secondJob = await fixture.waitForJob(second?.jobId ?? '')
  expect(secondsOf(secondJob.createdAt)).toBeGreaterThanOrEqual(secondsOf(firstJob.endedAt ?? ''))
})

test('after an outage the newest run is caught up, shown as late where it is, and the older ones are missed', async () => {
  const plan = await fixture.createPlan({ schedule: { cron: everySecond } })
  await expect.poll(async () => (await runsOf(plan.id)).length).toBeGreaterThan(0)
  await fixture.manager.stop()
  await sleep(4000)
  await fixture.restartManager()
  await expect
    .poll(async () => (await runsOf(plan.id)).some((run) => run.outcome === 'missed' && run.runCount >= 3), {})
    .toBe(true)
  await fixture.client.plans.update(plan.id, { paused: true })
  const runs = await runsOf(plan.id)
  const missed = runs.find((run) => run.outcome === 'missed' && run.runCount >= 3)
  expect(missed?.reason).toBe('No manager was running to start it in time.')
  expectNoGap(runs)
})

test('a next run that a wrong clock left too far away is recomputed', async () => {
  const plan = await fixture.createPlan({ schedule: { cron: '0 0 2 * * *' } })
  const sql = await fixture.connectDatabase()
  const later = "next_due_at + interval '1 year'"
  await sql.query(`update backup_plans set next_due_at = ${later}, next_run_at = ${later} where id = $1`, [plan.id])
  await sql.end()
  await fixture.restartManager()
  const nextRun = async () => (await fixture.client.plans.get(plan.id)).nextRunAt
  await expect.poll(nextRun).toBe(plan.nextRunAt)
})

test('plans that are due in the same moment are spread, each always by the same', async () => {
  await fixture.restartManager({ SCHEDULE_JITTER_SECONDS: '3600' })
  const plans = await Promise.all(
    Array.from({ length: 12 }, () => fixture.createPlan({ schedule: { cron: '0 0 2 1 1 *' } })),
  )
  const starts = plans.map((plan) => secondsOf(plan.nextRunAt ?? '') % 86_400)
  expect(starts.every((start) => start >= 2 * 3600 && start < 3 * 3600)).toBe(true)
  expect(new Set(starts.map(Math.floor)).size).toBeGreaterThan(6)
  await fixture.restartManager()
})

test('a job that waits or runs is cancelled: its agent stops, cleans up and unlocks', async () => {
  const plan = await fixture.createPlan({ items: ['slow', 'other'] })
  const job = await fixture.client.plans.run(plan.id)
  const state = async () => (await fixture.client.jobs.get(job.id)).parts[0]?.stage
  await expect.poll(state, { interval: 50 }).toBe('backup')
  const { status, body } = await fixture.call('POST', `/v1/jobs/${job.id}/cancel`)
  expect(status).toBe(202)
  expect(body.cancellation.requestedBy).toBe('first admin token')
  const end = await fixture.waitForJob(job.id)
  expect(end.state).toBe('cancelled')
  expect(end.parts[0]?.error).toMatch(/cancel/i)
  expect(end.parts[1]?.error).toBe('Cancelled by first admin token before it began.')
  expect((await fixture.call('POST', `/v1/jobs/${job.id}/cancel`)).status).toBe(409)
  expect(await fixture.pointsOf(plan.id)).toEqual([])
})

test('a plan can be paused even if the operator no longer allows its schedule', async () => {
  const plan = await fixture.createPlan({ schedule: { cron: '0 */5 * * * *' } })
  await fixture.restartManager({ MINIMUM_INTERVAL_SECONDS: '3600' })
  expect((await fixture.client.plans.update(plan.id, { paused: true })).paused).toBe(true)
  const oftener = await fixture.call('PATCH', `/v1/plans/${plan.id}`, { schedule: { cron: '0 */4 * * * *' } })
  expect(oftener.status).toBe(400)
  await fixture.restartManager()
})

test('the files of a plan are not deleted while a job of it may still store some', async () => {
  const plan = await fixture.createPlan({ items: ['slow'] })
  const job = await fixture.client.plans.run(plan.id)
  expect((await fixture.call('DELETE', `/v1/plans/${plan.id}?files=delete`)).status).toBe(409)
  await fixture.waitForJob(job.id)
  expect((await fixture.call('DELETE', `/v1/plans/${plan.id}?files=delete`)).status).toBe(204)
})

test('no more jobs run at an agent than the operator allows; later ones wait', async () => {
  await fixture.restartManager({ MAX_RUNNING_JOBS_PER_AGENT: '1' })
  const plans = await Promise.all(Array.from({ length: 3 }, () => fixture.createPlan({ items: ['slow'] })))
  const started = await Promise.all(plans.map((plan) => fixture.client.plans.run(plan.id)))
  const parts = (await Promise.all(started.map(({ id }) => fixture.waitForJob(id))))
    .map((job) => job.parts[0])
    .map((part) => ({ from: Date.parse(part?.startedAt ?? ''), until: Date.parse(part?.endedAt ?? '') }))
    .toSorted((one, other) => one.from - other.from)
  for (const [index, part] of parts.entries()) {
    if (index > 0) expect(part.from).toBeGreaterThanOrEqual(parts[index - 1]?.until ?? Number.NaN)
  }
  await fixture.restartManager()
})
