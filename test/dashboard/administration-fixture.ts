import { type ManagerProcess, makeTemporaryFolder, startManagerProcess } from '@osb-backup/testkit'
import type { Page } from 'playwright-core'
import { vi } from 'vitest'
import { registerInstance, unreachableAgent } from '../fixtures/register-instance.ts'
import { startHttpReceiver } from '../manager/notification-receivers.ts'
import { type Dashboard, launchBrowser } from './browser.ts'
import { buildDashboard } from './build-dashboard.ts'

/** Starts a manager with the dashboard, a browser, and a server that receives notifications. */
export async function startAdministration() {
  await buildDashboard()
  await using stack = new AsyncDisposableStack()
  const receiver = stack.use(await startHttpReceiver())
  const folder = stack.use(await makeTemporaryFolder())
  const manager = await startManagerProcess({
    DATA_DIR: folder.path,
    ALARM_INTERVAL_SECONDS: '1',
    // Nobody listens there: tokens of the manager are enough.
    OIDC_ISSUER: 'http://127.0.0.1:1',
    OIDC_AUDIENCE: 'osb-backup',
    OIDC_DASHBOARD_CLIENT_ID: 'dashboard',
  })
  stack.defer(() => manager.stop())
  const browser = await launchBrowser()
  stack.defer(() => browser.close())
  const running = stack.move()
  return { manager, browser, receiver, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

/**
 * Creates what administrators look after: two instances, tokens of several roles, a broker account and a notification channel.
 *
 * @returns When there is an alarm, and a message in the delivery log.
 */
export async function createAdministrated(client: ManagerProcess['client']) {
  for (const id of ['shop-db', 'other-db']) await registerInstance(client, id, unreachableAgent)
  const token = async (fields: Parameters<typeof client.tokens.create>[0]) => (await client.tokens.create(fields)).token
  const viewer = await token({ name: 'Vera', role: 'viewer', instances: 'all' })
  const operator = await token({ name: 'Otto', role: 'operator', instances: 'all' })
  const tenant = await token({ name: 'Tina', role: 'operator', instances: ['other-db'] })
  const tenantAdmin = await token({ name: 'Tara', role: 'admin', instances: ['other-db'] })
  await client.brokerAccounts.create({ name: 'broker-1', password: 'a password of ours', instances: ['shop-db'] })
  const rules = [{ minimumSeverity: 'critical' as const, kinds: ['agent-offline' as const] }]
  const created = await client.notificationChannels.create({
    name: 'on-call',
    rules,
    quietHours: { from: '22:00', until: '07:00', timezone: 'Europe/Berlin' },
    summary: { every: 'week', timezone: 'Europe/Berlin' },
    transport: {
      kind: 'email',
      host: '127.0.0.1',
      port: 1,
      security: 'none',
      from: 'backup@example.org',
      to: ['dba@example.org'],
    },
  })
  await client.notificationChannels.test(created.id)
  await vi.waitUntil(
    async () => (await client.alarms.list({ state: 'open', kind: 'agent-offline' })).items.length > 0,
    { timeout: 120_000, interval: 200 },
  )
  return { channelId: created.id, tokens: { viewer, operator, tenant, tenantAdmin } }
}

/** The pages, each with its heading and the calls that it fails without. */
export const pagesOf = (channelId: string) =>
  [
    { path: '/alarms', title: 'Alarms', call: '**/v1/alarms?*' },
    { path: '/notifications', title: 'Notifications', call: '**/v1/notification-channels?*' },
    { path: '/notifications/log', title: 'Delivery log', call: '**/v1/notifications?*' },
    { path: `/notifications/${channelId}`, title: 'on-call', call: '**/v1/notification-channels/*' },
    { path: '/access', title: 'Access', call: '**/v1/tokens?*' },
    { path: '/access?tab=broker-accounts', title: 'Access', call: '**/v1/broker-accounts?*' },
    { path: '/access/broker-accounts/broker-1', title: 'broker-1', call: '**/v1/broker-accounts/*' },
    { path: '/audit-log', title: 'Audit log', call: '**/v1/audit-entries?*' },
    { path: '/about', title: 'About', call: '**/v1/limits' },
  ] as const

/** Forms, and a list that is empty, each with its heading. */
export const forms = [
  { path: '/notifications/new', title: 'New channel' },
  { path: '/access/tokens/new', title: 'New token' },
  { path: '/access/broker-accounts/new', title: 'New broker account' },
  { path: '/alarms?q=none', title: 'Alarms' },
] as const

/** The names in the main navigation. */
export const navigationOf = async (page: Page) =>
  (await page.getByRole('navigation', { name: 'Main navigation' }).getByRole('link').allTextContents()).join(' ')

/** Visits pages, and expects each to say why the caller may not see it. */
export async function expectRefused(
  { page, visit }: Dashboard,
  paths: readonly string[],
  sentence: string,
): Promise<void> {
  for (const path of paths) {
    await visit(path)
    await page.getByRole('heading', { name: 'You may not see this' }).waitFor()
    await page.getByText(sentence).waitFor()
  }
}
