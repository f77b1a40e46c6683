import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TEST_TOKEN } from '@osb-backup/testkit'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'
import { accessibilityViolations, launchBrowser, openDashboard } from './browser.ts'
import { buildDashboard } from './build-dashboard.ts'

const pack = {
  form: 2,
  name: 'small',
  type: '.dump',
  parameters: [
    {
      name: 'jobs',
      type: 'integer',
      minimum: 1,
      maximum: 8,
      default: 2,
      description: 'Tables that are dumped at once',
    },
    { name: 'mode', type: 'string', values: ['swap', 'in-place'] },
    { name: 'pin', type: 'string', secret: true },
  ],
}

let stack: AsyncDisposableStack
let fixture: Fixture
let browser: Browser

beforeAll(async () => {
  await buildDashboard()
  stack = new AsyncDisposableStack()
  fixture = stack.use(
    await startFixture({
      'pack.json': JSON.stringify(pack),
      backup: 'echo "jobs=$BACKUP_PARAMETER_JOBS pin=$BACKUP_PARAMETER_PIN password=$BACKUP_PASSWORD"',
    }),
  )
  browser = await launchBrowser()
  stack.defer(() => browser.close())
  await fixture.client.agents.check(fixture.agentId)
  await fixture.client.instances.update(instanceId, { parameters: { of_the_broker: 'x' } })
})

afterAll(() => stack.disposeAsync())

test('an instance is changed with a form built from its script pack, which never shows a secret and keeps those it has', async () => {
  await using dashboard = await openDashboard(browser, fixture.manager.url)
  const { page } = dashboard
  const save = async () => {
    await page.getByRole('button', { name: 'Save changes' }).click()
    await page.getByRole('status').getByText('Your changes were saved.').waitFor()
  }
  const instance = () => fixture.client.instances.get(instanceId)
  await dashboard.open(`/instances/${instanceId}`, TEST_TOKEN)
  await page.getByRole('link', { name: 'Settings' }).click()
  await page.getByRole('heading', { level: 1, name: 'Settings of i' }).waitFor()
  await page.getByText('Other parameters of this instance: of_the_broker.').waitFor()
  await page.getByRole('textbox', { name: 'jobs', exact: true }).fill('4')
  await page.getByLabel('pin', { exact: true }).fill('the-pin-1234')
  await page.getByLabel('Password', { exact: true }).fill('the-password-5678')
  await save()
  expect(await instance()).toMatchObject({
    parameters: { jobs: 4, pin: '***', of_the_broker: 'x' },
    secretParameters: ['pin'],
    database: { passwordSet: true },
  })

  // The stored ones are said to be there, and stay.
  await page.getByPlaceholder('Stored; leave empty to keep it').waitFor()
  expect(await page.getByLabel('pin', { exact: true }).inputValue()).toBe('')
  expect(await accessibilityViolations(page)).toEqual([])
  await page.getByRole('textbox', { name: 'jobs', exact: true }).fill('8')
  await page.getByRole('combobox', { name: 'mode' }).click()
  await page.getByRole('option', { name: 'in-place' }).click()
  await save()
  await expect.poll(async () => (await instance()).parameters).toMatchObject({ jobs: 8, mode: 'in-place', pin: '***' })
  const plan = await fixture.createPlan()
  expect((await fixture.runPlan(plan.id)).state).toBe('succeeded')
  const { objectName } = await fixture.newestPoint(plan.id)
  const dump = await readFile(join(fixture.store, objectName), 'utf8')
  expect(dump).toBe('jobs=8 pin=the-pin-1234 password=the-password-5678\n')

  await page.getByRole('checkbox', { name: 'Remove the stored value of pin' }).check()
  await page.getByRole('textbox', { name: 'jobs', exact: true }).fill('')
  await save()
  await expect.poll(async () => (await instance()).parameters).toEqual({ mode: 'in-place', of_the_broker: 'x' })
  // Another server gets no password that was stored for this one.
  await page.getByLabel('Address', { exact: true }).fill('10.0.0.99')
  await page.getByText('Enter the passwords and secret parameters again').waitFor()
  expect(await accessibilityViolations(page)).toEqual([])
  expect(dashboard.problems).toEqual([])
})

test('a change that somebody else made meanwhile is not overwritten', async () => {
  await using dashboard = await openDashboard(browser, fixture.manager.url)
  const { page } = dashboard
  await dashboard.open(`/instances/${instanceId}/settings`, TEST_TOKEN)
  const port = page.getByRole('textbox', { name: 'Port' })
  await port.fill('5433')
  await fixture.client.instances.update(instanceId, { items: ['db1'] })
  await page.getByRole('button', { name: 'Save changes' }).click()
  await page.getByText('Somebody else has changed this meanwhile').waitFor()
  expect((await fixture.client.instances.get(instanceId)).hosts[0]?.port).not.toBe(5433)
})

test('who is no admin sees why an instance cannot be changed', async () => {
  const { token } = await fixture.client.tokens.create({ name: 'Olga', role: 'operator', instances: [instanceId] })
  await using dashboard = await openDashboard(browser, fixture.manager.url)
  const { page } = dashboard
  await dashboard.open(`/instances/${instanceId}`, token)
  await page.getByRole('link', { name: 'New plan' }).waitFor()
  expect(await page.getByRole('link', { name: 'Settings' }).count()).toBe(0)
  await dashboard.visit(`/instances/${instanceId}/settings`)
  await page.getByText('Registering and changing instances needs the role admin.').waitFor()
  expect(await page.getByRole('button', { name: 'Save changes' }).count()).toBe(0)
})
