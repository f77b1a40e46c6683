import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Plan, RestorePoint } from '@osb-backup/protocol/v1'
import { makeTemporaryFolder, TEST_TOKEN } from '@osb-backup/testkit'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'
import { registerInstance } from '../fixtures/register-instance.ts'
import { accessibilityViolations, expectLoaded, launchBrowser, openDashboard } from './browser.ts'
import { buildDashboard } from './build-dashboard.ts'

let stack: AsyncDisposableStack
let fixture: Fixture
let browser: Browser
let plan: Plan
let point: RestorePoint
/** Where restores write, followed by the name of the database. */
let restored: string

beforeAll(async () => {
  await buildDashboard()
  stack = new AsyncDisposableStack()
  restored = join(stack.use(await makeTemporaryFolder()).path, 'restored-')
  fixture = stack.use(
    await startFixture({ restore: `cat > ${restored}$BACKUP_DATABASE` }, { DELETION_GRACE_HOURS: '24' }),
  )
  browser = await launchBrowser()
  stack.defer(() => browser.close())
  plan = await fixture.createPlan({ name: 'nightly', items: ['shop'] })
  await fixture.runPlan(plan.id)
  point = await fixture.newestPoint(plan.id)
})

afterAll(() => stack.disposeAsync())

test('a restore point is found, held, released, deleted, undeleted and verified', async () => {
  await using dashboard = await openDashboard(browser, fixture.manager.url)
  const { page } = dashboard
  await dashboard.open(`/restore-points?held=true&instance=${instanceId}`, TEST_TOKEN)
  await page.getByRole('heading', { name: 'No restore point matches these filters' }).waitFor()
  await page.getByRole('button', { name: 'Clear filters' }).first().click()
  await page.getByRole('table', { name: 'Restore points' }).getByRole('link').first().click()
  await page.getByRole('heading', { level: 1, name: 'shop of i' }).waitFor()

  await page.getByRole('button', { name: 'Hold' }).click()
  await page.getByText('On hold: neither the retention nor anybody deletes it.').waitFor()
  expect(await page.getByRole('button', { name: 'Delete' }).isDisabled()).toBe(true)
  await page.getByRole('button', { name: 'Release' }).click()
  const question = page.getByRole('dialog')
  expect(await accessibilityViolations(page)).toEqual([])
  await question.getByRole('button', { name: 'Release' }).click()
  await page.getByRole('button', { name: 'Hold' }).waitFor()

  await page.getByRole('button', { name: 'Delete' }).click()
  await question.getByRole('button', { name: 'Delete' }).click()
  await page.getByText('It is being deleted').waitFor()
  expect((await fixture.client.restorePoints.get(point.id)).deletion?.reason).toBe('requested')
  await dashboard.visit('/restore-points?deleting=true')
  await page.getByRole('table', { name: 'Restore points' }).getByRole('link').first().click()
  await page.getByRole('button', { name: 'Undelete' }).click()
  await page.getByRole('button', { name: 'Verify', exact: true }).click()
  await page.getByRole('heading', { level: 1, name: 'Verification of i' }).waitFor()
  await page.getByRole('status').getByText('Succeeded', { exact: true }).first().waitFor()
  await dashboard.visit(`/restore-points?state=intact&day=${point.takenAt.slice(0, 10)}`)
  await page.getByRole('row').filter({ hasText: 'Intact' }).first().waitFor()
  expect(dashboard.problems).toEqual([])
})

test('a download is verified: a damaged object gives no file', async () => {
  await using dashboard = await openDashboard(browser, fixture.manager.url)
  const { page } = dashboard
  await dashboard.open(`/restore-points/${point.id}`, TEST_TOKEN)
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download' }).click(),
  ])
  expect(await readFile(await download.path(), 'utf8')).toBe('the content of shop\n')
  await page.getByText('Downloaded: size and SHA-256 are as recorded.').waitFor()

  const damaged = await backUp('damaged')
  await writeFile(join(fixture.store, damaged.objectName), 'THE content of damaged\n')
  let files = 0
  page.on('download', () => files++)
  await dashboard.visit(`/restore-points/${damaged.id}`)
  await page.getByRole('heading', { level: 1, name: 'damaged of i' }).waitFor()
  await page.getByRole('button', { name: 'Download' }).click()
  await page.getByRole('alert').getByText('What was received is not what was recorded').waitFor()
  expect(files).toBe(0)
})

async function backUp(item: string): Promise<RestorePoint> {
  const { id } = await fixture.createPlan({ items: [item] })
  await fixture.runPlan(id)
  return fixture.newestPoint(id)
}

test('a pair of keys is generated in the browser, used once it was stored, and what it encrypts is restored with it', async () => {
  await using dashboard = await openDashboard(browser, fixture.manager.url)
  const { page } = dashboard
  const { id } = await fixture.createPlan({ name: 'sealed', items: ['secrets'] })
  await dashboard.open(`/plans/${id}`, TEST_TOKEN)
  await page.getByRole('button', { name: 'Create keys' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Generate' }).click()
  const use = dialog.getByRole('button', { name: 'Encrypt from now on' })
  await use.waitFor()
  expect(await accessibilityViolations(page)).toEqual([])
  expect(await use.isDisabled()).toBe(true)
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    dialog.getByRole('button', { name: 'Download key file' }).click(),
  ])
  const privateKey = /^AGE-SECRET-KEY-1\w+$/m.exec(await readFile(await download.path(), 'utf8'))?.[0] ?? ''
  await page.emulateMedia({ media: 'print' })
  expect(await page.getByRole('heading', { name: 'Recovery sheet', includeHidden: true }).isVisible()).toBe(true)
  expect(await page.getByRole('heading', { level: 1, name: 'sealed', includeHidden: true }).isVisible()).toBe(false)
  await page.emulateMedia({ media: 'screen' })
  expect((await fixture.client.plans.get(id)).encryption.publicKey).toBeUndefined()
  await dialog.getByRole('checkbox', { name: 'I have stored the private key in a safe place' }).check()
  await use.click()
  await page.getByText('The manager has no private key').waitFor()

  await fixture.runPlan(id)
  const encrypted = await fixture.newestPoint(id)
  expect(encrypted.encrypted).toBe(true)
  await dashboard.visit(`/restore?point=${encrypted.id}`)
  await page.getByLabel('Private key').fill(privateKey)
  await page.getByLabel('Type secrets to confirm').fill('secrets')
  await page.getByRole('button', { name: 'Start the restore' }).click()
  await page.getByRole('heading', { level: 1, name: 'Restore of i' }).waitFor()
  await page.getByRole('status').getByText('Succeeded', { exact: true }).first().waitFor()
  await page.getByRole('list', { name: 'Stages, with their time' }).getByText('restore', { exact: true }).waitFor()
  expect(await readFile(`${restored}secrets`, 'utf8')).toBe('the content of secrets\n')
  expect(dashboard.problems).toEqual([])
})

test('a destination is created by its form, checked, changed and reconciled', async () => {
  await using dashboard = await openDashboard(browser, fixture.manager.url)
  const { page } = dashboard
  await mkdir(join(fixture.destinations, 'second'), { recursive: true })
  await dashboard.open(`/destinations/new?instance=${instanceId}`, TEST_TOKEN)
  await page.getByRole('textbox', { name: 'Name' }).fill('second')
  await page.getByRole('combobox', { name: 'Kind' }).click()
  await page.getByRole('option', { name: 'Directory' }).click()
  await page.getByRole('textbox', { name: 'Directory' }).fill('not absolute')
  await page.getByRole('button', { name: 'Check these settings' }).click()
  await page.getByText('must be an absolute path').first().waitFor()
  await page.getByRole('textbox', { name: 'Directory' }).fill(join(fixture.destinations, 'second'))
  await page.getByRole('button', { name: 'Check these settings' }).click()
  await page.getByText('Usable: an object was written').waitFor()
  await page.getByRole('button', { name: 'Create destination' }).click()
  await page.getByRole('heading', { level: 1, name: 'second' }).waitFor()
  await page.getByRole('textbox', { name: 'Quota in bytes' }).fill('1000000')
  await page.getByRole('button', { name: 'Save changes' }).click()
  await expect
    .poll(async () => (await fixture.client.destinations.list({ q: 'second' })).items[0]?.quotaBytes)
    .toBe(1_000_000)

  await writeFile(join(fixture.store, plan.id, 'stray.dump'), 'of nobody')
  await dashboard.visit(`/destinations/${fixture.destinationId}`)
  await page.getByRole('heading', { level: 1, name: 'files' }).waitFor()
  await page.getByLabel('Skip objects younger than (hours)').fill('0')
  await page.getByRole('button', { name: 'Start' }).click()
  await page.getByRole('region', { name: 'Objects without a restore point' }).getByText('stray.dump').waitFor()
  expect(new URL(page.url()).searchParams.has('reconciliation')).toBe(true)
  expect(await accessibilityViolations(page)).toEqual([])
})

test('an agent shows its state, disk, packs and certificate, and gets a token that is shown once', async () => {
  await using dashboard = await openDashboard(browser, fixture.manager.url)
  const { page } = dashboard
  await dashboard.open('/agents', TEST_TOKEN)
  await page.getByRole('table', { name: 'Agents' }).getByRole('link').first().click()
  await page.getByRole('button', { name: 'Check now' }).click()
  await page.getByText('Free in directory_backup').waitFor()
  await page.getByRole('region', { name: 'Script packs' }).getByText('Stages: backup, restore').waitFor()
  const { id } = await fixture.client.agents.create({
    url: 'https://127.0.0.1:9',
    username: 'agent',
    password: 'secret',
  })
  await dashboard.visit(`/agents/${id}`)
  await page.getByRole('heading', { level: 1, name: 'https://127.0.0.1:9' }).waitFor()
  await page.getByRole('button', { name: 'Create an enrolment token' }).click()
  await page.getByText(/enrolment_token=osbe_/).waitFor()
  expect(await accessibilityViolations(page)).toEqual([])
})

test('each caller reaches every page, sees what was granted, and why the rest is missing', async () => {
  await registerInstance(fixture.client, 'elsewhere', fixture.agent, {
    hosts: [{ address: '10.9.9.9', port: 5432 }],
  })
  const tokenOf = async (role: 'viewer' | 'operator', instance: string) =>
    (await fixture.client.tokens.create({ name: `${role} of ${instance}`, role, instances: [instance] })).token
  const headings: Record<string, string> = {
    '/': 'Overview',
    '/instances': 'Instances',
    [`/instances/${instanceId}?tab=restore-points`]: instanceId,
    '/plans': 'Plans',
    [`/plans/${plan.id}`]: 'nightly',
    '/jobs': 'Jobs',
    [`/jobs/${point.jobId}`]: 'Backup of i',
    '/restore-points': 'Restore points',
    [`/restore-points/${point.id}`]: 'shop of i',
    '/destinations': 'Destinations',
    [`/destinations/${fixture.destinationId}`]: 'files',
    '/agents': 'Agents',
    '/agents/new': 'New agent',
    '/instances/new': 'New instance',
    '/restore': 'Restore',
  }
  const visitAll = async (token: string) => {
    await using dashboard = await openDashboard(browser, fixture.manager.url)
    const { page } = dashboard
    await dashboard.open('/', token)
    const texts = new Map<string, string>()
    for (const [path, heading] of Object.entries(headings)) {
      await dashboard.visit(path)
      // Of what a tenant was not granted only the id is known.
      const name = new RegExp(`^(${heading}|${/[^/?]*(?=[?]|$)/.exec(path)?.[0]})$`)
      await page.getByRole('heading', { level: 1, name }).waitFor()
      await expectLoaded(page)
      texts.set(path, (await page.locator('#content').textContent()) ?? '')
    }
    return { texts, problems: dashboard.problems }
  }
  const viewer = await visitAll(await tokenOf('viewer', instanceId))
  expect(viewer.problems).toEqual([])
  for (const path of [`/restore-points/${point.id}`, `/destinations/${fixture.destinationId}`, `/plans/${plan.id}`]) {
    expect(viewer.texts.get(path), path).toMatch(/needs? the role operator/)
  }
  expect(viewer.texts.get('/agents/new')).toContain('you need the role admin')
  const operator = await visitAll(await tokenOf('operator', instanceId))
  expect(operator.problems).toEqual([])
  expect(operator.texts.get(`/restore-points/${point.id}`)).toContain('This needs the permission to delete backups.')

  const tenant = await visitAll(await tokenOf('operator', 'elsewhere'))
  for (const [path, text] of tenant.texts) {
    if (path.includes(point.id) || path.includes(plan.id) || path.includes(point.jobId) || path.includes('/i?')) {
      expect(text, path).toContain('This does not exist, or you were not granted it')
    }
    expect(text, path).not.toContain('nightly')
  }
})
