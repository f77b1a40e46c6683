import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { PlanRun } from '@osb-backup/protocol'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { instanceId, jobEnd, makeSmallWorld, type SmallWorld } from './small-world.ts'

const everySecond = '* * * * * *'
let world: SmallWorld

beforeAll(async () => {
  world = await makeSmallWorld({ backup: 'if [ "$BACKUP_DATABASE" = slow ]; then sleep 3; fi; echo content' })
})
afterAll(() => world[Symbol.asyncDispose]())

/** What became of the runs of a plan, oldest first. */
async function runsOf(planId: string): Promise<PlanRun[]> {
  return (await world.call('GET', `/backupPlans/${planId}/runs?sort=dueAt,asc&size=2000`)).body.content
}

const secondsOf = (instant: string) => Date.parse(instant) / 1000
const startedOf = (runs: PlanRun[]) => runs.filter((run) => run.outcome === 'STARTED')

/** Every second from the first run to the last stands in one record, also where the machine was too slow to start it. */
function expectNoGap(runs: PlanRun[]): void {
  const spans = runs.map((run) => ({ from: secondsOf(run.dueAt), until: secondsOf(run.lastDueAt), runs: run.runs }))
  for (const [index, span] of spans.entries()) {
    expect(span.runs).toBe(span.until - span.from + 1)
    if (index > 0) expect(span.from).toBe((spans[index - 1]?.until ?? Number.NaN) + 1)
  }
}

test('a plan that is due runs, each time once, and says when it is due next', async () => {
  const plan = await world.makePlan({ frequency: everySecond })
  expect(plan.nextRunAt).toBeDefined()
  await expect.poll(async () => startedOf(await runsOf(plan.id)).length).toBeGreaterThan(3)
  const { paused: _, ...rest } = plan
  const paused = await world.client.backupPlans.update(plan.id, { ...rest, paused: true })
  expect(paused.nextRunAt).toBeUndefined()

  const runs = await runsOf(plan.id)
  expectNoGap(runs)
  for (const run of startedOf(runs)) {
    const job = await jobEnd(world.client, run.backupJobId ?? '')
    expect(job).toMatchObject({ status: 'SUCCEEDED', dueDate: run.dueAt, late: false })
  }
})

test('a paused plan stays paused, also over a restart, and does not run at once when it goes on', async () => {
  const plan = await world.makePlan({ frequency: everySecond, paused: true })
  await world.restartManager()
  await delay(1500)
  expect(await runsOf(plan.id)).toEqual([])
  const goesOn = await world.client.backupPlans.update(plan.id, { ...plan, paused: false, frequency: '0 0 2 1 1 *' })
  expect(secondsOf(goesOn.nextRunAt ?? '')).toBeGreaterThan(Date.now() / 1000)
  const moved = await world.client.backupPlans.update(plan.id, { ...plan, paused: false, frequency: '0 0 3 1 1 *' })
  expect(secondsOf(moved.nextRunAt ?? '') - secondsOf(goesOn.nextRunAt ?? '')).toBe(3600)
  const elsewhere = await world.client.backupPlans.update(plan.id, { ...moved, timezone: 'Asia/Kathmandu' })
  expect(secondsOf(elsewhere.nextRunAt ?? '') - secondsOf(moved.nextRunAt ?? '')).toBe(-5.75 * 3600)
  expect(await runsOf(plan.id)).toEqual([])
})

test('a run that finds a job of its plan is skipped, and says which job was in the way', async () => {
  const plan = await world.makePlan({ frequency: everySecond, items: ['slow'] })
  await expect.poll(async () => startedOf(await runsOf(plan.id)).length).toBe(2)
  await world.client.backupPlans.update(plan.id, { ...plan, paused: true })
  const runs = await runsOf(plan.id)
  const skipped = runs.filter((run) => run.outcome === 'SKIPPED')
  expect(skipped.length).toBeGreaterThanOrEqual(2)
  const [first, second] = startedOf(runs)
  expect(skipped[0]).toMatchObject({
    backupJobId: first?.backupJobId,
    reason: `The job ${first?.backupJobId} of this plan had not ended yet.`,
  })
  const firstJob = await jobEnd(world.client, first?.backupJobId ?? '')
  const secondJob = await jobEnd(world.client, second?.backupJobId ?? '')
  expect(secondsOf(secondJob.startDate)).toBeGreaterThanOrEqual(secondsOf(firstJob.endDate ?? ''))
})

test('after an outage the newest run is caught up, shown as late where it is, and the older ones are missed', async () => {
  const plan = await world.makePlan({ frequency: everySecond })
  await expect.poll(async () => (await runsOf(plan.id)).length).toBeGreaterThan(0)
  await world.manager.stop()
  await delay(4000)
  await world.restartManager()
  await expect
    .poll(async () => (await runsOf(plan.id)).some((run) => run.outcome === 'MISSED' && run.runs >= 3), {})
    .toBe(true)
  await world.client.backupPlans.update(plan.id, { ...plan, paused: true })
  const runs = await runsOf(plan.id)
  const missed = runs.find((run) => run.outcome === 'MISSED' && run.runs >= 3)
  expect(missed?.reason).toBe('No manager was running to start it in time.')
  expectNoGap(runs)
})

test('a next run that a wrong clock left too far away is mended', async () => {
  const plan = await world.makePlan({ frequency: '0 0 2 * * *' })
  const sql = new Client({ host: join(world.folder, 'manager', 'postgres'), user: 'osb_backup', database: 'postgres' })
  await sql.connect()
  const later = "next_due_at + interval '1 year'"
  await sql.query(`update backup_plans set next_due_at = ${later}, next_run_at = ${later} where id = $1`, [plan.id])
  await sql.end()
  await world.restartManager()
  const nextRun = async () => (await world.client.backupPlans.get(plan.id)).nextRunAt
  await expect.poll(nextRun).toBe(plan.nextRunAt)
})

test('plans that are due in the same moment are spread, each always by the same', async () => {
  await world.restartManager({ SCHEDULE_JITTER_SECONDS: '3600' })
  const plans = await Promise.all(Array.from({ length: 12 }, () => world.makePlan({ frequency: '0 0 2 1 1 *' })))
  const starts = plans.map((plan) => secondsOf(plan.nextRunAt ?? '') % 86_400)
  expect(starts.every((start) => start >= 2 * 3600 && start < 3 * 3600)).toBe(true)
  expect(new Set(starts.map(Math.floor)).size).toBeGreaterThan(6)
  await world.restartManager()
})

test('a job that waits or runs is cancelled: its agent stops, cleans up and unlocks', async () => {
  const plan = await world.makePlan({ items: ['slow', 'other'] })
  const job = await world.client.jobs.startBackup(plan.id)
  const state = async () => (await world.client.jobs.get(job.id)).agentExecutionReponses.slow?.state
  await expect.poll(state, { interval: 50 }).toBe('backup')
  const { status, body } = await world.call('POST', `/backupJobs/${job.id}/cancel`)
  expect(status).toBe(202)
  expect(body.cancellation.by).toBe('first admin token')
  const end = await jobEnd(world.client, job.id)
  expect(end.status).toBe('FAILED')
  expect(end.agentExecutionReponses.slow?.error_message).toMatch(/cancel/i)
  expect(end.agentExecutionReponses.other?.error_message).toBe('Cancelled by first admin token.')
  expect(Date.parse(end.endDate ?? '') - Date.parse(end.startDate)).toBeLessThan(2800)
  expect((await world.call('POST', `/backupJobs/${job.id}/cancel`)).status).toBe(409)
  expect((await world.call('POST', `/restoreJobs/${job.id}/cancel`)).status).toBe(404)
  const { body: points } = await world.call('GET', `/restorePoints/byInstance/${instanceId}?plan=${plan.id}`)
  expect(points.totalElements).toBe(0)
})

test('a plan can be paused also where the operator allows its schedule no more', async () => {
  const plan = await world.makePlan({ frequency: '0 */5 * * * *' })
  await world.restartManager({ MINIMUM_INTERVAL_SECONDS: '3600' })
  expect((await world.client.backupPlans.update(plan.id, { ...plan, paused: true })).paused).toBe(true)
  const oftener = await world.call('PATCH', `/backupPlans/${plan.id}`, { ...plan, frequency: '0 */4 * * * *' })
  expect(oftener.status).toBe(400)
  await world.restartManager()
})

test('the files of a plan are not deleted while a job of it may still store some', async () => {
  const plan = await world.makePlan({ items: ['slow'] })
  const job = await world.client.jobs.startBackup(plan.id)
  expect((await world.call('DELETE', `/backupPlans/${plan.id}?files=delete`)).status).toBe(409)
  await jobEnd(world.client, job.id)
  expect((await world.call('DELETE', `/backupPlans/${plan.id}?files=delete`)).status).toBe(200)
})

test('no more jobs run at an agent than the operator allows, whoever comes later waits', async () => {
  await world.restartManager({ MAX_RUNNING_JOBS_PER_AGENT: '1' })
  const plans = await Promise.all(Array.from({ length: 3 }, () => world.makePlan({ items: ['slow'] })))
  const started = await Promise.all(plans.map((plan) => world.client.jobs.startBackup(plan.id)))
  const parts = (await Promise.all(started.map(({ id }) => jobEnd(world.client, id))))
    .map((job) => job.agentExecutionReponses.slow)
    .map((part) => ({ from: Date.parse(part?.start_time ?? ''), until: Date.parse(part?.end_time ?? '') }))
    .toSorted((one, other) => one.from - other.from)
  for (const [index, part] of parts.entries()) {
    if (index > 0) expect(part.from).toBeGreaterThanOrEqual(parts[index - 1]?.until ?? Number.NaN)
  }
  await world.restartManager()
})
