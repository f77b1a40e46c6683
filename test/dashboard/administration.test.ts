import { type ManagerProcess, TEST_TOKEN } from '@osb-backup/testkit'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HttpReceiver } from '../manager/notification-receivers.ts'
import {
  createAdministrated,
  expectRefused,
  forms,
  navigationOf,
  pagesOf,
  startAdministration,
} from './administration-fixture.ts'
import { accessibilityViolations, expectLoaded, openDashboard } from './browser.ts'

let fixture: Awaited<ReturnType<typeof startAdministration>> | undefined
let manager: ManagerProcess
let browser: Browser
let receiver: HttpReceiver

beforeAll(async () => {
  fixture = await startAdministration()
  ;({ manager, browser, receiver } = fixture)
})

afterAll(() => fixture?.[Symbol.asyncDispose]())

const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true })

test('empty lists say why, and what to do', async () => {
  await using dashboard = await openDashboard(browser, manager.url)
  const { page } = dashboard
  await dashboard.open('/alarms', TEST_TOKEN)
  await page.getByRole('heading', { name: 'Nothing is wrong' }).waitFor()
  await page.getByRole('link', { name: 'Show resolved alarms' }).click()
  await page.getByRole('heading', { name: 'No alarm matches these filters' }).waitFor()
  await page.getByRole('link', { name: 'Set up notifications' }).click()
  await page.getByRole('heading', { name: 'There are no notification channels' }).waitFor()
  expect(await accessibilityViolations(page)).toEqual([])
  await page.getByRole('link', { name: 'Delivery log' }).click()
  await page.getByRole('heading', { name: 'Nothing was sent yet' }).waitFor()
  await dashboard.visit('/access?tab=broker-accounts')
  await page.getByRole('heading', { name: 'There are no broker accounts' }).waitFor()
  await page.getByRole('link', { name: 'New broker account' }).first().click()
  await heading(page, 'New broker account').waitFor()
  await dashboard.visit('/audit-log?q=none')
  await page.getByRole('heading', { name: 'No entry matches these filters' }).waitFor()
  await page.getByRole('button', { name: 'Clear filters' }).click()
  await page.getByRole('table', { name: 'Audit log' }).getByText('GET /v1/broker-accounts').first().waitFor()
  expect(dashboard.problems).toEqual([])
})

test('while the identity provider does not answer, the page says so, and a token signs in', async () => {
  await using dashboard = await openDashboard(browser, manager.url)
  const { page } = dashboard
  await dashboard.open('/about')
  await page.getByRole('button', { name: 'Sign in at 127.0.0.1:1' }).click()
  await page.getByRole('alert').getByText('127.0.0.1:1 does not answer').waitFor()
  expect(await accessibilityViolations(page)).toEqual([])
  await page.getByLabel('Token', { exact: true }).fill(TEST_TOKEN)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await heading(page, 'About').waitFor()
})

describe('with instances, alarms, channels and accounts', () => {
  let channelId: string
  let tokens: Awaited<ReturnType<typeof createAdministrated>>['tokens']

  beforeAll(async () => {
    ;({ channelId, tokens } = await createAdministrated(manager.client))
  })

  test.for([
    { colorScheme: 'light', width: 1280 },
    { colorScheme: 'dark', width: 360 },
  ] as const)('every page is accessible and fits in the $colorScheme scheme, $width pixels wide', async (look) => {
    const { colorScheme, width } = look
    await using dashboard = await openDashboard(browser, manager.url, {
      colorScheme,
      viewport: { width, height: 800 },
    })
    const { page } = dashboard
    await dashboard.open('/about', TEST_TOKEN)
    const found: Record<string, unknown> = {}
    for (const { path, title } of [...pagesOf(channelId), ...forms]) {
      await dashboard.visit(path)
      await heading(page, title).waitFor()
      await expectLoaded(page)
      const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth')
      const violations = await accessibilityViolations(page)
      const problems = dashboard.problems.splice(0)
      if (violations.length + problems.length > 0 || overflow > 0) found[path] = { violations, problems, overflow }
    }
    expect(found).toEqual({})
  })

  test('a page whose API fails says so, and recovers by a click', async () => {
    await using dashboard = await openDashboard(browser, manager.url)
    const { page } = dashboard
    await dashboard.open('/', TEST_TOKEN)
    for (const { path, call } of pagesOf(channelId)) {
      // Not one that is tried again by itself.
      await page.route(call, (route) => route.fulfill({ status: 409, body: '{}' }))
      await dashboard.visit(path)
      const notice = page.getByRole('alert').filter({ hasText: 'This could not be loaded' })
      await notice.first().waitFor()
      await page.unroute(call)
      await notice.getByRole('button', { name: 'Try again' }).click()
      await notice.waitFor({ state: 'detached' })
      await expectLoaded(page)
    }
  })

  test('an alarm is found by filters that are in the URL, and acknowledged', async () => {
    await using dashboard = await openDashboard(browser, manager.url)
    const { page } = dashboard
    await dashboard.open('/alarms?kind=agent-offline', tokens.operator)
    const alarms = page.getByRole('list', { name: 'Alarms' })
    await alarms.getByRole('button', { name: 'Acknowledge' }).first().click()
    await alarms.getByText('Acknowledged by Otto').first().waitFor()
    await page.getByRole('combobox', { name: 'Acknowledgement' }).click()
    await page.getByRole('option', { name: 'Acknowledged', exact: true }).click()
    await expect.poll(() => page.url()).toContain('acknowledged=')
    await alarms.getByText('Acknowledged by Otto').first().waitFor()
    await page.getByRole('searchbox', { name: 'Search by sentence or object' }).fill('nothing')
    await page.getByRole('heading', { name: 'No alarm matches these filters' }).waitFor()
    await page.getByRole('button', { name: 'Clear filters' }).last().click()
    await expect.poll(() => new URL(page.url()).search).toBe('')
    expect(dashboard.problems).toEqual([])
  })

  test('a channel is created with a key and a rule, tested, changed and deleted', async () => {
    await using dashboard = await openDashboard(browser, manager.url)
    const { page } = dashboard
    await dashboard.open('/notifications', TEST_TOKEN)
    await page.getByRole('link', { name: 'New channel' }).click()
    await page.getByRole('heading', { level: 1, name: 'New channel' }).waitFor()
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('hook')
    await page.getByRole('combobox', { name: 'Kind' }).click()
    await page.getByRole('option', { name: 'Webhook' }).click()
    await page.getByRole('textbox', { name: 'URL' }).fill('nowhere')
    await page.getByRole('button', { name: 'Generate' }).click()
    const key = await page.getByRole('textbox', { name: 'Signing key' }).inputValue()
    expect(key).toMatch(/^whsec_/)
    await page.getByRole('button', { name: 'Add a rule' }).click()
    const rule = page.getByRole('group', { name: 'Rule 1' })
    await rule.getByRole('combobox', { name: 'At least this severe' }).click()
    await page.getByRole('option', { name: 'Critical' }).click()
    await rule.getByRole('combobox', { name: 'Only these instances' }).fill('shop')
    await page.getByRole('option', { name: 'shop-db' }).click()
    await page.getByRole('button', { name: 'Create channel' }).click()
    await page.getByText(/url/i).and(page.locator('[class*=error]')).first().waitFor()
    await page.getByRole('textbox', { name: 'URL' }).fill(`${receiver.url}/hook`)
    await page.getByRole('button', { name: 'Create channel' }).click()
    await heading(page, 'hook').waitFor()
    const [channel] = (await manager.client.notificationChannels.list({ q: 'hook' })).items
    expect(channel).toMatchObject({
      enabled: true,
      rules: [{ instances: ['shop-db'], minimumSeverity: 'critical' }],
      transport: { kind: 'webhook', url: `${receiver.url}/hook`, secretSet: true },
    })

    await page.getByRole('button', { name: 'Send a test message' }).click()
    await page.getByRole('status').getByText('The test message was delivered.').waitFor()
    expect(receiver.received.some(({ path, headers }) => path === '/hook' && headers['webhook-signature'])).toBe(true)
    receiver.statuses.set('/hook', 503)
    await page.getByRole('button', { name: 'Send a test message' }).click()
    await page.getByText('The test message was not delivered:').waitFor()

    await page.getByRole('switch', { name: 'On: this channel notifies' }).click()
    await page.getByRole('button', { name: 'Save changes' }).click()
    await expect
      .poll(async () => (await manager.client.notificationChannels.get(channel?.id ?? '')).enabled)
      .toBe(false)
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete the channel' }).click()
    await heading(page, 'Notifications').waitFor()
    await page.getByRole('table', { name: 'Notifications' }).getByRole('link', { name: 'on-call' }).waitFor()
    expect(await page.getByRole('link', { name: 'hook' }).count()).toBe(0)
  })

  test('a token is created, shown once, and revoked', async () => {
    await using dashboard = await openDashboard(browser, manager.url)
    const { page } = dashboard
    await dashboard.open('/access', TEST_TOKEN)
    await page.getByRole('link', { name: 'New token' }).click()
    await page.getByRole('button', { name: 'Create token' }).click()
    await page.getByText(/name/i).and(page.locator('[class*=error]')).first().waitFor()
    await page.getByRole('textbox', { name: 'Name' }).fill('pipeline')
    await page.getByRole('radio', { name: 'Operator' }).check()
    await page.getByRole('checkbox', { name: 'May delete backups' }).check()
    await page.getByRole('radio', { name: 'Only these instances' }).check()
    await page.getByRole('combobox', { name: 'Instance IDs' }).fill('shop-db')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    await page.getByRole('button', { name: 'Create token' }).click()
    await heading(page, 'The token pipeline was created').waitFor()
    const secret = (await page.locator('code').textContent()) ?? ''
    expect(await accessibilityViolations(page)).toEqual([])
    const call = (token: string) => fetch(`${manager.url}/v1/caller`, { headers: { authorization: `Bearer ${token}` } })
    expect(await (await call(secret)).json()).toMatchObject({
      name: 'pipeline',
      role: 'operator',
      permissions: ['delete-backups'],
      instances: ['shop-db'],
    })
    await page.getByRole('link', { name: 'Back to the tokens' }).click()
    const row = page.getByRole('row').filter({ hasText: 'pipeline' })
    expect(await page.getByRole('table', { name: 'Tokens' }).textContent()).not.toContain(secret)
    await row.getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke the token' }).click()
    await row.waitFor({ state: 'detached' })
    expect((await call(secret)).status).toBe(401)
    expect(dashboard.problems.filter((problem) => !problem.includes('400'))).toEqual([])
  })

  test('a broker account is created, changed and deleted, and the audit log says by whom', async () => {
    await using dashboard = await openDashboard(browser, manager.url)
    const { page } = dashboard
    await dashboard.open('/access?tab=broker-accounts', TEST_TOKEN)
    await page.getByRole('link', { name: 'New broker account' }).click()
    await page.getByRole('heading', { level: 1, name: 'New broker account' }).waitFor()
    await page.getByRole('textbox', { name: 'Name' }).fill('broker-2')
    await page.getByRole('button', { name: 'Generate' }).click()
    const password = await page.getByRole('textbox', { name: 'Password' }).inputValue()
    await page.getByRole('button', { name: 'Create account' }).click()
    await heading(page, 'broker-2').waitFor()
    await page.getByRole('radio', { name: 'Only these instances' }).check()
    await page.getByRole('combobox', { name: 'Instance IDs' }).fill('other-db')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    await page.getByRole('button', { name: 'Save changes' }).click()
    await page.getByText('Your changes were saved.').waitFor()
    expect((await manager.client.brokerAccounts.get('broker-2')).instances).toEqual(['other-db'])
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete the account' }).click()
    await page.getByRole('table', { name: 'Broker accounts' }).getByRole('link', { name: 'broker-1' }).waitFor()
    expect(await page.getByRole('link', { name: 'broker-2' }).count()).toBe(0)

    await dashboard.visit('/audit-log?q=broker-2')
    const log = page.getByRole('table', { name: 'Audit log' })
    await log.getByText('DELETE /v1/broker-accounts/:name').waitFor()
    await log.getByText('PATCH /v1/broker-accounts/:name').waitFor()
    expect(await log.textContent()).not.toContain(password)
    await page.getByLabel('From').fill('2001-01-01')
    await page.getByLabel('To').fill('2001-01-02')
    await page.getByRole('heading', { name: 'No entry matches these filters' }).waitFor()
    expect(new URL(page.url()).search).toBe('?q=broker-2&from=2001-01-01&to=2001-01-02')
    expect(dashboard.problems).toEqual([])
  })

  const adminPaths = () =>
    pagesOf(channelId).flatMap(({ path }) => (['/alarms', '/about'].includes(path) ? [] : [path]))

  test.for(['viewer', 'operator'] as const)('a %s sees which pages need another role', async (role) => {
    await using dashboard = await openDashboard(browser, manager.url)
    const { page } = dashboard
    await dashboard.open('/alarms', tokens[role])
    await page.getByRole('list', { name: 'Alarms' }).waitFor()
    expect(await page.getByText('This needs the role operator.').count()).toBe(role === 'viewer' ? 1 : 0)
    expect(await navigationOf(page)).not.toMatch(/Access|Audit|Notifications/)
    await expectRefused(dashboard, adminPaths(), `This needs the role admin, and yours is ${role}. Ask an admin.`)
    expect(await accessibilityViolations(page)).toEqual([])
    await dashboard.visit('/about')
    await page.getByRole('table', { name: 'Limits' }).waitFor()
    const managers = page.getByRole('region', { name: 'Managers' })
    await (role === 'operator'
      ? managers.getByRole('table').getByText('127.0.0.1').or(managers.getByRole('row').nth(1)).waitFor()
      : managers.getByText('Operators of all instances see').waitFor())
    // Nothing was requested that is not permitted.
    expect(dashboard.problems).toEqual([])
  })

  test('a foreign tenant sees nothing of other instances, by links either', async () => {
    await using dashboard = await openDashboard(browser, manager.url)
    const { page } = dashboard
    await dashboard.open('/instances/other-db', tokens.tenant)
    await heading(page, 'other-db').waitFor()
    await dashboard.visit('/alarms?state=all')
    await page
      .getByRole('list', { name: 'Alarms' })
      .or(page.getByRole('heading', { level: 2 }))
      .first()
      .waitFor()
    await expectLoaded(page)
    expect(await page.getByText('shop-db').count()).toBe(0)
    await dashboard.visit('/about')
    await page.getByText('Operators of all instances see').waitFor()
    expect(dashboard.problems).toEqual([])
    await dashboard.visit('/instances/shop-db')
    await page.getByText('This does not exist, or you were not granted it').waitFor()
  })

  test('an admin of some instances administers those alone', async () => {
    await using dashboard = await openDashboard(browser, manager.url)
    const { page } = dashboard
    await dashboard.open('/access', tokens.tenantAdmin)
    const table = page.getByRole('table', { name: 'Tokens' })
    await table.getByText('Tara').waitFor()
    await table.getByText('This session').waitFor()
    expect(await table.textContent()).not.toMatch(/Vera|Otto/)
    await dashboard.visit('/access/tokens/new')
    expect(await page.getByRole('radio', { name: 'All instances' }).isDisabled()).toBe(true)
    await expectRefused(dashboard, ['/notifications', '/notifications/log'], 'This concerns all service instances')
    await dashboard.visit('/audit-log')
    await page.getByRole('table', { name: 'Audit log' }).waitFor()
    expect(await page.getByText('shop-db').count()).toBe(0)
    expect(dashboard.problems).toEqual([])
  })
})
