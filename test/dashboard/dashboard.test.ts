import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Job, RestorePoint } from '@osb-backup/protocol/v1'
import { makeTemporaryFolder, startManagerProcess, TEST_TOKEN } from '@osb-backup/testkit'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'
import { accessibilityViolations, expectLoaded, launchBrowser, openDashboard } from './browser.ts'
import { buildDashboard } from './build-dashboard.ts'

const scriptsWith = (releaseFile: string) => ({
  restore: `cat > ${releaseFile}.restored-$BACKUP_DATABASE`,
  backup: `printf '\\033[32mdumping\\033[0m %s\\n' "$BACKUP_DATABASE" >&2
if [ "$BACKUP_DATABASE" = broken ]; then echo 'pg_dump: error: connection refused' >&2; exit 3; fi
while [ "$BACKUP_DATABASE" = slow ] && [ ! -e ${releaseFile} ]; do sleep 0.1; done
echo "the content of $BACKUP_DATABASE"`,
})

let stack: AsyncDisposableStack
let fixture: Fixture
let browser: Browser
let failed: Job
let point: RestorePoint
let viewer: string
/** Ends backups of the item "slow" once it exists. */
let releaseFile: string

beforeAll(async () => {
  await buildDashboard()
  stack = new AsyncDisposableStack()
  releaseFile = join(stack.use(await makeTemporaryFolder()).path, 'release')
  fixture = stack.use(await startFixture(scriptsWith(releaseFile), { ALARM_INTERVAL_SECONDS: '1' }))
  browser = await launchBrowser()
  stack.defer(() => browser.close())
  const { client } = fixture
  const schedule = { cron: '0 0 2 * * *' }
  await fixture.runPlan((await fixture.createPlan({ name: 'nightly', items: ['shop', 'stock'], schedule })).id)
  const [stored] = (await client.restorePoints.list({ item: 'shop' })).items
  if (stored === undefined) throw new Error('the backup left no restore point')
  point = stored
  failed = await fixture.runPlan((await fixture.createPlan({ name: 'failing', items: ['broken'], schedule })).id)
  expect(failed.state).toBe('failed')
  viewer = (await client.tokens.create({ name: 'Vera', role: 'viewer', instances: [instanceId] })).token
  await vi.waitUntil(async () => (await client.alarms.list({ state: 'open' })).items.length > 0, {
    timeout: 120_000,
    interval: 200,
  })
})

afterAll(() => stack.disposeAsync())

test('a wrong token is refused with a sentence, the right one opens what the URL names, and no storage has it', async () => {
  await using dashboard = await openDashboard(browser, fixture.manager.url)
  const { page } = dashboard
  await dashboard.open('/instances/i?tab=jobs')
  await page.getByLabel('Token', { exact: true }).fill('osbb_of-nobody')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('The manager does not accept this token.').waitFor()
  await page.getByLabel('Token', { exact: true }).fill(TEST_TOKEN)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'i' }).waitFor()
  await page.getByRole('table', { name: 'Jobs' }).getByRole('link').first().waitFor()
  const stored = await page.evaluate<string>(
    'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])',
  )
  expect(stored).not.toContain(TEST_TOKEN)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('button', { name: 'Sign in' }).waitFor()
})

describe.each([
  { colorScheme: 'light', width: 1280 },
  { colorScheme: 'dark', width: 360 },
] as const)('in the $colorScheme scheme, $width pixels wide', ({ colorScheme, width }) => {
  test('every page is accessible, fits, and leaves the console empty', async () => {
    await using dashboard = await openDashboard(browser, fixture.manager.url, {
      colorScheme,
      viewport: { width, height: 800 },
    })
    const { page } = dashboard
    const pages = {
      '/': 'Overview',
      '/instances': 'Instances',
      '/instances/i': 'i',
      '/instances?q=none': 'Instances',
      '/instances/i?tab=restore-points': 'i',
      '/instances/none': 'none',
      '/instances/i?tab=jobs': 'i',
      '/plans': 'Plans',
      '/plans/new?instance=i': 'New plan',
      [`/plans/${failed.planId}`]: 'failing',
      '/restore?instance=i&item=shop': 'Restore',
      '/jobs': 'Jobs',
      [`/jobs/${failed.id}`]: 'Backup of i',
      '/jobs?instance=none': 'Jobs',
      '/restore-points': 'Restore points',
      [`/restore-points/${point.id}`]: 'shop of i',
      '/restore-points?held=true': 'Restore points',
      '/destinations': 'Destinations',
      '/destinations/new': 'New destination',
      [`/destinations/${fixture.destinationId}`]: 'files',
      '/agents': 'Agents',
      '/agents/new': 'New agent',
      [`/agents/${fixture.agentId}`]: fixture.agent.url,
      '/instances/new': 'New instance',
      '/instances/i/settings': 'Settings of i',
      '/plans/a/b': 'There is no such page',
    }
    const found: Record<string, unknown> = {}
    await dashboard.open('/', TEST_TOKEN)
    // One after the other has another heading.
    for (const [path, heading] of Object.entries(pages)) {
      await dashboard.visit(path)
      await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor()
      await expectLoaded(page)
      const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth')
      // A page of something that does not exist is one that the API answers 404.
      const problems = dashboard.problems.splice(0).filter((problem) => !problem.includes('404'))
      const violations = await accessibilityViolations(page)
      if (violations.length + problems.length > 0 || overflow > 0) found[path] = { violations, problems, overflow }
    }
    expect(found).toEqual({})
  })
})

test('the overview says what is wrong, why and what to do, and an operator acknowledges it', async () => {
  await using dashboard = await openDashboard(browser, fixture.manager.url)
  const { page } = dashboard
  await dashboard.open('/', TEST_TOKEN)
  const alarms = page.getByRole('region', { name: 'Active alarms' })
  await alarms.getByText('The plan "failing" of i failed').waitFor()
  await alarms.getByRole('button', { name: 'Acknowledge' }).first().click()
  await alarms.getByText('Acknowledged by').first().waitFor()
  await page.getByRole('region', { name: 'Next runs' }).getByText('nightly').waitFor()
  await page
    .getByRole('region', { name: 'Failures since yesterday' })
    .getByRole('link', { name: 'Backup of i' })
    .click()
  await page.getByText('Failed at stage backup').waitFor()
  await page.getByText('The logs of the failed stage show what the script reported.').waitFor()
  const logs = page.getByRole('region', { name: 'Output of the scripts' })
  await expect.poll(() => logs.textContent()).toContain('dumping broken')
  expect(await logs.textContent()).not.toContain('[32m')
})

test('a job is followed while it runs, and its end is announced', async () => {
  const plan = await fixture.createPlan({ name: 'slow', items: ['slow'] })
  await using dashboard = await openDashboard(browser, fixture.manager.url)
  const { page } = dashboard
  await dashboard.open('/jobs?state=running', TEST_TOKEN)
  await page.getByRole('heading', { name: 'No job matches these filters' }).waitFor()
  await fixture.client.plans.run(plan.id)
  await page.getByRole('link', { name: 'Backup of i' }).click()
  await page.getByText('Stage: backup').waitFor()
  await writeFile(releaseFile, '')
  await page.getByRole('status').getByText('Backup of i: Succeeded').waitFor({ state: 'attached' })
  await page.getByRole('status').getByText('Succeeded', { exact: true }).first().waitFor()
})

test('a plan is created and changed with one form, which says what it means while it is edited', async () => {
  await using dashboard = await openDashboard(browser, fixture.manager.url)
  const { page } = dashboard
  await dashboard.open('/plans', TEST_TOKEN)
  await page.getByRole('link', { name: 'New plan' }).click()
  await page.getByRole('combobox', { name: 'Instance' }).click()
  await page.getByRole('option', { name: instanceId, exact: true }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill('hourly')
  await page.getByRole('combobox', { name: 'Destination' }).click()
  await page.getByRole('option', { name: 'files' }).click()
  await page.getByRole('combobox', { name: 'Items' }).fill('orders')
  await page.keyboard.press('Enter')
  await page.getByText('At 02:00').waitFor()
  await page.getByRole('combobox', { name: 'How often' }).click()
  await page.getByRole('option', { name: 'Cron expression' }).click()
  await page.getByRole('textbox', { name: 'Cron expression' }).fill('0 3 * * *')
  await page.getByText('At 03:00').waitFor()
  await page.getByRole('textbox', { name: 'Cron expression' }).fill('nonsense')
  await page.getByText('This schedule cannot be used').waitFor()
  await page.getByRole('textbox', { name: 'Cron expression' }).fill('0 30 4 * * SUN')
  await page.getByText('At 04:30').waitFor()
  await page.getByRole('button', { name: 'Create plan' }).click()
  await page.getByRole('heading', { level: 1, name: 'hourly' }).waitFor()
  expect(await accessibilityViolations(page)).toEqual([])

  const [plan] = (await fixture.client.plans.list({ q: 'hourly' })).items
  expect(plan).toMatchObject({
    items: ['orders'],
    schedule: { cron: '0 30 4 * * SUN' },
    retention: { style: 'days', period: 14 },
    paused: false,
  })
  // Somebody else changes it meanwhile: what they saved is not overwritten.
  await fixture.client.plans.update(plan?.id ?? '', { retries: 5 })
  await page.getByRole('textbox', { name: 'Name' }).fill('weekly')
  await page.getByRole('button', { name: 'Save changes' }).click()
  await page.getByText('Somebody else has changed this meanwhile').waitFor()
  await dashboard.open(`/plans/${plan?.id}`, TEST_TOKEN)
  await page.getByRole('textbox', { name: 'Name' }).fill('weekly')
  await page.getByRole('switch', { name: 'Paused: the schedule does not start it' }).click()
  await page.getByRole('button', { name: 'Save changes' }).click()
  await page.getByText('This plan is paused').waitFor()
  expect(await fixture.client.plans.get(plan?.id ?? '')).toMatchObject({ name: 'weekly', paused: true, retries: 5 })
})

test('a restore is chosen step by step, confirmed by typing, and followed to its end', async () => {
  await using dashboard = await openDashboard(browser, fixture.manager.url)
  const { page } = dashboard
  await dashboard.open('/instances/i?tab=restore-points', TEST_TOKEN)
  const row = page.getByRole('row').filter({ hasText: 'stock' }).first()
  await row.getByRole('link', { name: 'Restore' }).click()
  await page.getByRole('heading', { level: 1, name: 'Restore' }).waitFor()
  await page.getByLabel('Database to write').fill('stock_copy')
  const start = page.getByRole('button', { name: 'Start the restore' })
  const confirmation = page.getByLabel('Type stock_copy to confirm')
  await confirmation.fill('stock')
  expect(await start.isDisabled()).toBe(true)
  expect(await accessibilityViolations(page)).toEqual([])
  await confirmation.fill('stock_copy')
  await start.click()
  await page.getByRole('heading', { level: 1, name: 'Restore of i' }).waitFor()
  await page.getByRole('status').getByText('Succeeded', { exact: true }).first().waitFor()
  expect(await readFile(`${releaseFile}.restored-stock_copy`, 'utf8')).toBe('the content of stock\n')
})

test('a viewer sees everything that was granted, and why it may change nothing', async () => {
  await using dashboard = await openDashboard(browser, fixture.manager.url)
  const { page } = dashboard
  await dashboard.open(`/jobs/${failed.id}`, viewer)
  await page.getByText('This needs the role operator.').waitFor()
  expect(await page.getByRole('button', { name: 'Run the plan again' }).isDisabled()).toBe(true)
  await page.keyboard.press('g')
  await page.keyboard.press('o')
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
  await page.getByText('The plan "failing" of i failed').waitFor()
  expect(await page.getByRole('button', { name: 'Acknowledge' }).count()).toBe(0)
})

test('a page whose API fails says so, and recovers by a click', async () => {
  await using dashboard = await openDashboard(browser, fixture.manager.url)
  const { page } = dashboard
  await page.route('**/v1/instances?*', (route) => route.abort())
  await dashboard.open('/instances', TEST_TOKEN)
  await page.getByRole('alert').getByText('The manager does not answer').waitFor()
  expect(await accessibilityViolations(page)).toEqual([])
  await page.unroute('**/v1/instances?*')
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.getByRole('table', { name: 'Instances' }).getByRole('link', { name: 'i', exact: true }).waitFor()
})

test('a token that is revoked leads back to the sign-in page', async () => {
  const { id, token } = await fixture.client.tokens.create({ name: 'short', role: 'viewer', instances: 'all' })
  await using dashboard = await openDashboard(browser, fixture.manager.url)
  const { page } = dashboard
  await dashboard.open('/jobs', token)
  await page.getByRole('table', { name: 'Jobs' }).waitFor()
  await fixture.client.tokens.delete(id)
  await page.getByRole('navigation').getByRole('link', { name: 'Instances' }).click()
  await page.getByText('Your token is not valid any more. Sign in again.').waitFor()
})

test('an empty system shows the first steps', async () => {
  await using folder = await makeTemporaryFolder()
  const manager = await startManagerProcess({ DATA_DIR: folder.path })
  try {
    await using dashboard = await openDashboard(browser, manager.url)
    const { page } = dashboard
    await dashboard.open('/', TEST_TOKEN)
    await page.getByRole('heading', { name: 'First steps' }).waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
    await page.getByRole('link', { name: 'Instances' }).click()
    await page.getByRole('heading', { name: 'No instance is registered' }).waitFor()
    await page.getByRole('link', { name: 'Jobs' }).click()
    await page.getByRole('heading', { name: 'No job has run yet' }).waitFor()
    expect(dashboard.problems).toEqual([])
  } finally {
    await manager.stop()
  }
})
