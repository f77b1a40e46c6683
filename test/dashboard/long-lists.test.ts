import { TEST_TOKEN } from '@osb-backup/testkit'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { registerInstance, unreachableAgent } from '../fixtures/register-instance.ts'
import { startManagerOnDatabase } from '../manager/own-database.ts'
import { launchBrowser, openDashboard } from './browser.ts'
import { buildDashboard } from './build-dashboard.ts'

/** Of nine pages, of which the dashboard keeps four. */
const JOBS = 850
/** More than the manager judges for one page of a list that is filtered by protection. */
const OTHER_INSTANCES = 4100

let stack: AsyncDisposableStack
let running: Awaited<ReturnType<typeof startManagerOnDatabase>>
let browser: Browser

beforeAll(async () => {
  await buildDashboard()
  stack = new AsyncDisposableStack()
  running = stack.use(await startManagerOnDatabase({ ALARM_INTERVAL_SECONDS: '60' }))
  browser = await launchBrowser()
  stack.defer(() => browser.close())
  const { manager, database } = running
  const agentId = await registerInstance(manager.client, 'oldest', unreachableAgent)
  const { id: destinationId } = await manager.client.destinations.create({
    instanceId: 'oldest',
    name: 's3',
    store: { kind: 's3', endpoint: 'http://127.0.0.1:9', bucket: 'b', authKey: 'k', authSecret: 's' },
  })
  await database.query(
    `insert into jobs (id, kind, status, instance_id, plan_id, destination_id, started_at, began_at, ended_at)
     select 'job-' || n, 'backup', 'SUCCEEDED', 'oldest', 'plan', $1, at, at, at
     from generate_series(0, ${JOBS - 1}) n, lateral (select now() - n * interval '1 hour' as at) times`,
    [destinationId],
  )
  await database.query(`insert into job_parts (job_id, position, item, database, status, ended_at)
    select id, 0, 'db', 'db', status, ended_at from jobs`)
  await database.query(
    `insert into restore_points (id, job_id, plan_id, instance_id, destination_id, item, prefix, filename, size_bytes,
       transformed_by, compression_requested, compression, encrypted, taken_at, suspicious)
     values ('point', 'job-0', 'plan', 'oldest', $1, 'db', 'plan/', 'db.dump', 1, 'agent', false, 'none', false, now(), false)`,
    [destinationId],
  )
  await database.query(
    `insert into service_instances (id, parameters, hosts, backup_host, backup_port, agent_id, created_at)
     select 'i' || n, '{}', '[{"name": "h", "ip": "h"}]', 'h' || n, 1, $1, now() + n * interval '1 millisecond'
     from generate_series(1, ${OTHER_INSTANCES}) n`,
    [agentId],
  )
})

afterAll(() => stack.disposeAsync())

/** The rows that the page has at the moment: their place in the list, and where they lead. */
const rowsOf = (page: Page) =>
  page.evaluate<[number, string | null][]>(`[...document.querySelectorAll('[role="row"][aria-rowindex]')].slice(1)
    .map((row) => [Number(row.ariaRowIndex) - 2, row.querySelector('a')?.getAttribute('href') ?? null])`)

/** Scrolls until an entry of the list, of which the page may know only the beginning so far, is in sight with its neighbours. */
async function scrollTo(page: Page, index: number): Promise<void> {
  const read = async () => {
    await page.evaluate(`(() => {
      const rows = document.querySelector('[role="table"] > [role="rowgroup"]:last-child')
      window.scrollTo(0, rows.getBoundingClientRect().top + window.scrollY + ${index} * 48 - 200)
    })()`)
    return rowsOf(page)
  }
  await expect
    .poll(
      async () => {
        const rows = await read()
        return rows.some(([place]) => place === index) && rows.every(([place, href]) => href === `/jobs/job-${place}`)
      },
      { timeout: 60_000 },
    )
    .toBe(true)
}

test('a list that is scrolled far drops the pages that are out of sight, and reads them again on the way back', async () => {
  await using dashboard = await openDashboard(browser, running.manager.url)
  const { page } = dashboard
  const cursors: (string | null)[] = []
  page.on('request', (request) => {
    const url = new URL(request.url())
    if (url.pathname === '/v1/jobs' && url.searchParams.get('limit') === '100')
      cursors.push(url.searchParams.get('cursor'))
  })
  await dashboard.open('/jobs', TEST_TOKEN)
  await page.getByRole('table', { name: 'Jobs' }).getByRole('link').first().waitFor()
  for (const index of [150, 390, 620, JOBS - 1]) await scrollTo(page, index)
  expect(await page.getByRole('table', { name: 'Jobs' }).getAttribute('aria-rowcount')).toBe(String(JOBS + 1))
  const forward = [...cursors]
  expect(new Set(forward).size).toBe(9)
  // A page at a time, and the rest of the way at once.
  for (const index of [620, 390, 0]) await scrollTo(page, index)
  const back = cursors.slice(forward.length)
  expect(back).toContain(null)
  expect(back.every((cursor) => forward.includes(cursor))).toBe(true)
  await scrollTo(page, 300)
  expect(dashboard.problems).toEqual([])
})

test('a filter that matches few of many instances finds them, though the first pages have none', async () => {
  await using dashboard = await openDashboard(browser, running.manager.url)
  const { page } = dashboard
  await dashboard.open('/instances?protection=at-risk', TEST_TOKEN)
  await page.getByRole('table', { name: 'Instances' }).getByRole('link', { name: 'oldest', exact: true }).waitFor()
  expect(await page.getByRole('table', { name: 'Instances' }).getAttribute('aria-rowcount')).toBe('2')
  await dashboard.visit('/instances?protection=protected')
  await page.getByRole('heading', { name: 'No instance matches these filters' }).waitFor()
  expect(dashboard.problems).toEqual([])
})
