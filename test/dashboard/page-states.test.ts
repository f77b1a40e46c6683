import { TEST_TOKEN } from '@osb-backup/testkit'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { registerInstance, unreachableAgent } from '../fixtures/register-instance.ts'
import { startManagerOnDatabase } from '../manager/own-database.ts'
import { expectLoaded, launchBrowser, openDashboard } from './browser.ts'
import { buildDashboard } from './build-dashboard.ts'

/** By the Web Vitals, a page that shifts by less is stable. */
const STABLE_SHIFT = 0.1

let stack: AsyncDisposableStack
let running: Awaited<ReturnType<typeof startManagerOnDatabase>>
let browser: Browser

beforeAll(async () => {
  await buildDashboard()
  stack = new AsyncDisposableStack()
  running = stack.use(await startManagerOnDatabase())
  browser = await launchBrowser()
  stack.defer(() => browser.close())
})

afterAll(() => stack.disposeAsync())

test('every list of an empty system says why it is empty, and what to do next', async () => {
  await using dashboard = await openDashboard(browser, running.manager.url)
  const { page } = dashboard
  await dashboard.open('/', TEST_TOKEN)
  const empty: Record<string, [heading: string, next: string | undefined]> = {
    '/instances': ['No instance is registered', 'New instance'],
    '/plans': ['There is no plan yet', 'New plan'],
    '/jobs': ['No job has run yet', undefined],
    '/restore-points': ['There are no restore points', undefined],
    '/destinations': ['There is no destination yet', 'New destination'],
    '/agents': ['There is no agent yet', 'New agent'],
  }
  const found: Record<string, unknown> = {}
  for (const [path, [heading, next]] of Object.entries(empty)) {
    await dashboard.visit(path)
    await page.getByRole('heading', { level: 2, name: heading }).waitFor()
    const headings = await page.getByRole('heading', { level: 2 }).allTextContents()
    const hint = await page.locator('#content').textContent()
    const links = await page.locator('#content').getByRole('link').allTextContents()
    found[path] = {
      headings,
      hint: (hint ?? '').length > 60,
      next: next === undefined || links.includes(next),
      heading,
    }
  }
  for (const [path, [heading]] of Object.entries(empty)) {
    expect(found[path], path).toEqual({ headings: [expect.stringContaining(heading)], hint: true, next: true, heading })
  }
  expect(dashboard.problems).toEqual([])
})

test('a form whose choices cannot be loaded says so', async () => {
  await using dashboard = await openDashboard(browser, running.manager.url)
  const { page } = dashboard
  await dashboard.open('/', TEST_TOKEN)
  await page.route(/\/v1\/(instances|agents)\b/, (route) => route.fulfill({ status: 500 }))
  for (const path of ['/plans/new', '/destinations/new', '/instances/new']) {
    await dashboard.visit(path)
    await page.getByText('The choices could not be loaded: The manager answered 500.').first().waitFor()
  }
  expect(dashboard.problems.filter((problem) => !problem.includes('500'))).toEqual([])
})

test('no page shifts while it loads, on a desk or on a phone', async () => {
  const { manager, database } = running
  const { client } = manager
  const agentId = await registerInstance(client, 'shop-db', unreachableAgent)
  const { id: destinationId } = await client.destinations.create({
    instanceId: 'shop-db',
    name: 's3',
    store: { kind: 's3', endpoint: 'http://127.0.0.1:9', bucket: 'b', authKey: 'k', authSecret: 's' },
  })
  const { id: planId } = await client.plans.create({
    instanceId: 'shop-db',
    name: 'nightly',
    destinationId,
    items: ['db'],
    schedule: { cron: '0 0 2 29 2 *' },
    retention: { style: 'all' },
  })
  await database.query(
    `insert into jobs (id, kind, status, instance_id, plan_id, destination_id, started_at, began_at, ended_at)
     select 'job-' || n, 'backup', 'SUCCEEDED', 'shop-db', $1, $2, at, at, at
     from generate_series(0, 40) n, lateral (select now() - n * interval '1 day' as at) times`,
    [planId, destinationId],
  )
  await database.query(`insert into job_parts (job_id, position, item, database, status, ended_at)
    select id, 0, 'db', 'db', status, ended_at from jobs`)
  await database.query(`insert into restore_points (id, job_id, plan_id, instance_id, destination_id, item, prefix, filename,
      size_bytes, transformed_by, compression_requested, compression, encrypted, taken_at, suspicious)
    select 'point-' || id, id, plan_id, instance_id, destination_id, 'db', 'plan/', id, 1000, 'agent', false, 'none', false, started_at, false
    from jobs order by started_at`)
  // Each with its heading.
  const pages = {
    '/instances': 'Instances',
    '/instances/shop-db': 'shop-db',
    '/instances/shop-db?tab=restore-points': 'shop-db',
    '/instances/shop-db?tab=jobs': 'shop-db',
    '/instances/shop-db/settings': 'Settings of shop-db',
    '/plans': 'Plans',
    [`/plans/${planId}`]: 'nightly',
    '/plans/new?instance=shop-db': 'New plan',
    '/jobs': 'Jobs',
    '/jobs/job-0': 'Backup of shop-db',
    '/restore-points': 'Restore points',
    '/restore-points/point-job-0': 'db of shop-db',
    '/restore?instance=shop-db&item=db': 'Restore',
    '/destinations': 'Destinations',
    [`/destinations/${destinationId}`]: 's3',
    '/destinations/new?instance=shop-db': 'New destination',
    '/agents': 'Agents',
    [`/agents/${agentId}`]: unreachableAgent.url,
    '/instances/new': 'New instance',
    '/': 'Overview',
  }
  const shifts: Record<string, number> = {}
  for (const width of [1280, 360]) {
    await using dashboard = await openDashboard(browser, manager.url, { viewport: { width, height: 800 } })
    const { page } = dashboard
    await page.addInitScript(`globalThis.shifted = 0; new PerformanceObserver((list) => {
      for (const { value } of list.getEntries()) globalThis.shifted += value
    }).observe({ type: 'layout-shift', buffered: true })`)
    await dashboard.open('/about', TEST_TOKEN)
    for (const [path, heading] of Object.entries(pages)) {
      await page.evaluate('globalThis.shifted = 0')
      await dashboard.visit(path)
      await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor()
      await expectLoaded(page)
      const shifted = await page.evaluate<number>('globalThis.shifted')
      if (shifted >= STABLE_SHIFT) shifts[`${path} at ${width}`] = shifted
    }
    expect(dashboard.problems).toEqual([])
  }
  expect(shifts).toEqual({})
})
