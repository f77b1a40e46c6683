import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ManagerProcess, startManagerProcess } from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'
import { type MonitoringServer, runWith, startPrometheus } from './monitoring-servers.ts'
import { makeDatabase, type OwnDatabase } from './own-database.ts'

const token = 'the-token-of-prometheus'
const deploy = join(import.meta.dirname, '../../deploy/prometheus')
let stack: AsyncDisposableStack
let fixture: Fixture
let database: OwnDatabase
/** Another manager on the same database; it tells its metrics to this machine. */
let other: ManagerProcess
let prometheus: MonitoringServer

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  database = stack.use(await makeDatabase())
  const settings = {
    DATABASE_URL: database.url,
    SECRET_KEY: '5e'.repeat(32),
    METRICS_TOKEN: token,
    ALARM_INTERVAL_SECONDS: '1',
  }
  fixture = stack.use(await startFixture({}, settings))
  const { METRICS_TOKEN: _, ...rest } = settings
  const ofOther = { METRICS_ALLOWED_ADDRESSES: '10.0.0.0/8, 127.0.0.1', DATA_DIR: join(fixture.folder, 'other') }
  other = await startManagerProcess({ ...rest, ...ofOther })
  stack.defer(() => other.stop())
  const managers = [fixture.manager.url, other.url]
  prometheus = stack.use(await startPrometheus(fixture.folder, { managers, token }))
})
afterAll(() => stack.disposeAsync())

const scrape = (url: string, authorization: string) => fetch(`${url}/metrics`, { headers: { authorization } })
async function metricsOf(url: string): Promise<string> {
  const answer = await scrape(url, `Bearer ${token}`)
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toContain('text/plain; version=0.0.4')
  return answer.text()
}

/** The series, but for those that a manager measures of itself or that grow while they are read. */
function commonSeries(text: string): string[] {
  const own = /^(#|osb_backup_(http_|database_|schedule_lag|agent_last_seen|job_longest_wait))/
  return text.split('\n').filter((line) => line !== '' && !own.test(line))
}

test('every manager answers the same, promtool finds nothing wrong, and deleted plans disappear', async () => {
  const plan = await fixture.createPlan({ name: 'a "plan"\\n' })
  await fixture.runPlan(plan.id)
  const point = await fixture.newestPoint(plan.id)
  expect(await fixture.waitForJob((await fixture.client.restorePoints.verify(point.id)).id)).toMatchObject({
    state: 'succeeded',
  })
  // A scrape that began before the verification ended is shared with those that come meanwhile.
  const verified = /^osb_backup_plan_last_verified_timestamp_seconds\{.*\} \d{10}/m
  await expect.poll(() => metricsOf(fixture.manager.url)).toMatch(verified)
  const text = await metricsOf(fixture.manager.url)
  const labels = `plan="${plan.id}",name="a \\"plan\\"\\\\n",instance_id="${instanceId}"`
  expect(text).toContain(`osb_backup_plan_protected{${labels}} 1`)
  expect(text).toMatch(/^osb_backup_plan_last_success_timestamp_seconds\{.*\} \d{10}/m)
  expect(text).toContain('osb_backup_jobs_ended_total{kind="backup",result="succeeded"} 1')
  expect(text).toContain('osb_backup_job_duration_seconds_bucket{le="+Inf",kind="verify",result="succeeded"} 1')
  expect(text).toContain(`osb_backup_dump_bytes_sum{kind="backup",result="succeeded"} ${point.sizeBytes}`)
  expect(text).toContain('osb_backup_http_request_duration_seconds_count{route="POST /v1/plans",status="2xx"} 1')
  expect(text).toMatch(/^osb_backup_database_duration_seconds_count\{operation="connect",result="ok"\} \d+/m)
  expect(text).toMatch(
    /^osb_backup_database_duration_seconds_bucket\{le="0.1",operation="statement",result="ok"\} \d+/m,
  )
  const linted = await runWith(text, 'promtool', 'check', 'metrics')
  expect([linted.code, linted.output]).toEqual([0, ''])

  const same = async () => {
    const [one, two] = await Promise.all([fixture.manager.url, other.url].map(metricsOf))
    return [commonSeries(one ?? ''), commonSeries(two ?? '')]
  }
  // The alarms of the moment may change between two scrapes.
  await expect.poll(async () => new Set((await same()).map((each) => each.join('\n'))).size).toBe(1)
  const before = commonSeries(await metricsOf(other.url)).filter((line) => line.includes('_total'))
  await fixture.restartManager()
  const restarted = commonSeries(await metricsOf(fixture.manager.url))
  expect(restarted).toEqual(expect.arrayContaining(before))

  await fixture.client.plans.delete(plan.id)
  expect(await metricsOf(fixture.manager.url)).not.toContain(plan.id)
})

test('metrics are for those who know their token or have an allowed address, and the token opens nothing else', async () => {
  for (const wrong of ['', 'Bearer wrong', `Basic ${token}`, `Bearer ${fixture.manager.token}`]) {
    expect([wrong, (await scrape(fixture.manager.url, wrong)).status]).toEqual([wrong, 401])
  }
  expect((await fetch(`${other.url}/metrics`)).status).toBe(200)
  const { status } = await fixture.call('GET', '/v1/plans', undefined, { authorization: `Bearer ${token}` })
  expect(status).toBe(401)
})

test('Prometheus scrapes the managers, and evaluates the dashboard and the alert rules', async () => {
  await fixture.runPlan((await fixture.createPlan()).id)
  const api = async (path: string, parameters: Record<string, string> = {}) => {
    const answer = await fetch(`${prometheus.url}/api/v1/${path}?${new URLSearchParams(parameters)}`)
    return JSON.parse(await answer.text())
  }
  const query = async (expression: string) => (await api('query', { query: expression })).data.result
  // The manager that was restarted listens on another port.
  await expect.poll(() => query('up == 1')).toHaveLength(1)
  await expect.poll(() => query('osb_backup_jobs_ended_total{kind="backup"} >= 2')).toHaveLength(1)
  const { panels } = JSON.parse(await readFile(join(deploy, 'dashboard.json'), 'utf8'))
  const expressions: string[] = panels.flatMap(({ targets }: { targets: { expr: string }[] }) =>
    targets.map(({ expr }) => expr),
  )
  expect(expressions.length).toBeGreaterThan(20)
  // What a filter may leave empty; and rates, which have values after two scrapes.
  const mayBeEmpty = /(> 0|== 0)\)?$/
  for (const expression of expressions) {
    const found = () => api('query', { query: expression })
    expect([expression, await found()]).toEqual([expression, expect.objectContaining({ status: 'success' })])
    if (mayBeEmpty.test(expression)) continue
    await expect.poll(async () => [expression, (await found()).data.result.length > 0]).toEqual([expression, true])
  }
  const { data } = await api('rules')
  const rules: { name: string; health: string; annotations: Record<string, string> }[] = data.groups[0].rules
  expect(rules.length).toBeGreaterThan(15)
  for (const { name, health, annotations } of rules) {
    expect([name, health]).toEqual([name, 'ok'])
    expect(annotations.runbook_url).toBe(`{{ $externalLabels.runbooks }}/${name}.md`)
    await access(join(import.meta.dirname, '../../docs/runbooks', `${name}.md`))
  }
})

test('the alert rules fire when they should, and only then', async () => {
  const tested = await runWith('', 'promtool', 'test', 'rules', join(deploy, 'alerts.test.yml'))
  expect([tested.code, tested.output]).toEqual([0, expect.stringContaining('SUCCESS')])
  const text = await readFile(join(deploy, 'alerts.test.yml'), 'utf8')
  for (const [, name] of (await readFile(join(deploy, 'alerts.yml'), 'utf8')).matchAll(/alert: (\w+)/g)) {
    expect(text).toContain(`${name} fires`)
    expect(text).toContain(`${name} does not fire`)
  }
})

test('the trend of an instance has sizes and durations by day, their growth, and when the quota is used up', async () => {
  const { client } = fixture
  const plan = await fixture.createPlan({ items: ['grows'] })
  for (let day = 0; day < 3; day++) await fixture.runPlan(plan.id)
  const points = await fixture.pointsOf(plan.id)
  // The newest is of today, the others of the days before; each is 1,000 bytes larger than the one before.
  for (const [daysAgo, { id }] of points.entries()) {
    const stored = `taken_at = taken_at - interval '${daysAgo} days', size_bytes = ${10_000 - 1000 * daysAgo}`
    await database.query(`update restore_points set ${stored}, original_size_bytes = size_bytes where id = $1`, [id])
  }
  await database.query('update restore_points set original_size_bytes = size_bytes where plan_id = $1', [plan.id])
  await client.destinations.update(fixture.destinationId, { quotaBytes: 1_000_000 })
  const trend = await client.instances.trend(instanceId, { item: 'grows', days: 10 })
  const [item] = trend.items
  expect(item).toMatchObject({ name: 'grows', growthBytesPerDay: 1000 })
  expect(item?.days.map(({ originalBytes }) => originalBytes)).toEqual([8000, 9000, 10_000])
  expect(item?.days.every(({ durationSeconds = -1, dumpCount }) => durationSeconds >= 0 && dumpCount === 1)).toBe(true)
  const [destination] = trend.destinations
  expect(destination).toMatchObject({ storedBytes: 27_000, growthBytesPerDay: 9500, quotaBytes: 1_000_000 })
  const daysLeft = (Date.parse(destination?.fullAt ?? '') - Date.parse(points[0]?.takenAt ?? '')) / 86_400_000
  expect(Math.round(daysLeft)).toBe(Math.round((1_000_000 - 27_000) / 9500))
  expect((await client.instances.trend(instanceId, { item: 'another' })).items).toEqual([])
})
