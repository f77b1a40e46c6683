import { createHmac } from 'node:crypto'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ChannelCreate } from '@osb-backup/protocol/v1'
import { makeTemporaryFolder, startManagerProcess } from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'
import { type MonitoringServer, startAlertmanager } from './monitoring-servers.ts'
import { type HttpReceiver, type MailReceiver, startHttpReceiver, startMailReceiver } from './notification-receivers.ts'
import { makeDatabase, type OwnDatabase } from './own-database.ts'

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
let stack: AsyncDisposableStack
let database: OwnDatabase
let fixture: Fixture
let http: HttpReceiver
let mail: MailReceiver
let alertmanager: MonitoringServer
/** What the command was given, a line for each message. */
let commandLog: string

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  database = stack.use(await makeDatabase())
  const folder = stack.use(await makeTemporaryFolder()).path
  const command = join(folder, 'notify')
  commandLog = join(folder, 'log')
  await writeFile(command, `#!/bin/sh\n{ cat; echo; } >> ${commandLog}\nenv >> ${folder}/env\n`)
  await chmod(command, 0o755)
  http = stack.use(await startHttpReceiver())
  mail = stack.use(await startMailReceiver('backup', 'the password of the mail server'))
  alertmanager = stack.use(await startAlertmanager(folder))
  const settings = {
    DATABASE_URL: database.url,
    SECRET_KEY: '5e'.repeat(32),
    ALARM_INTERVAL_SECONDS: '1',
    ENVIRONMENT_NAME: 'staging',
    NOTIFICATION_COMMAND: command,
  }
  fixture = stack.use(await startFixture({}, settings))
  // Another manager, with which it shares the outbox.
  await mkdir(join(folder, 'other'))
  const other = await startManagerProcess({ ...settings, DATA_DIR: join(folder, 'other') })
  stack.defer(() => other.stop())
})
afterAll(() => stack.disposeAsync())

const channel = (name: string, transport: ChannelCreate['transport'], fields: Partial<ChannelCreate> = {}) =>
  fixture.client.notificationChannels.create({
    name,
    transport,
    rules: [{ kinds: ['rpo-exceeded'], instances: [instanceId], minimumSeverity: 'warning' }],
    ...fields,
  })
const at = (path: string) => http.received.filter((each) => each.path === path)
const bodies = (path: string) => at(path).map(({ body }) => JSON.parse(body))
/** A header of a message; long ones are folded. */
const headerOf = (message: string, name: string) =>
  new RegExp(`^${name}: *(.*)$`, 'im').exec(message.replace(/\r\n[ \t]+/g, ' '))?.[1]?.trim()
const commandMessages = async () => {
  const text = await readFile(commandLog, 'utf8').catch(() => '')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

test('an alarm and its end reach every kind of channel once, with the environment and without secrets', async () => {
  const url = (path: string) => `${http.url}${path}`
  await channel('mail', {
    ...{ kind: 'email', host: '127.0.0.1', port: mail.port, security: 'none', username: 'backup' },
    ...{ password: 'the password of the mail server', from: 'backup@example.org', to: ['dba@example.org'] },
  })
  const webhook = await channel('webhook', { kind: 'webhook', url: url('/webhook'), secret })
  await channel('slack', { kind: 'slack', url: url('/slack') })
  await channel('teams', { kind: 'teams', url: url('/teams') })
  await channel('alertmanager', { kind: 'alertmanager', url: alertmanager.url })
  await channel('command', { kind: 'command' })
  await channel('of others', { kind: 'slack', url: url('/others') }, { rules: [{ organizationGuid: 'another' }] })
  await channel('disabled', { kind: 'slack', url: url('/disabled') }, { enabled: false })
  // The first attempt fails, and a redirect is not followed.
  http.statuses.set('/webhook', 302)

  const plan = await fixture.createPlan({ paused: true, items: ['<shop>'] })
  await expect.poll(() => at('/webhook').length).toBe(1)
  const failing = () => fixture.client.notifications.list({ channel: webhook.id, state: 'failing' })
  await expect.poll(async () => (await failing()).items.length).toBe(1)
  expect((await failing()).items[0]).toMatchObject({ event: 'raised', attempts: 1, error: 'The server answered 302.' })
  http.statuses.clear()
  await database.query('update notification_channels set paused_until = null')
  await database.query('update notifications set next_attempt_at = now() where error is not null')
  await expect.poll(() => bodies('/slack').length).toBe(1)

  const alerts = async () => JSON.parse(await (await fetch(`${alertmanager.url}/api/v2/alerts`)).text())
  await expect.poll(alerts).toHaveLength(1)
  expect((await alerts())[0]).toMatchObject({
    labels: { alertname: 'rpo-exceeded', severity: 'warning', environment: 'staging', instance_id: instanceId },
    status: { state: 'active' },
  })

  await fixture.client.plans.update(plan.id, { paused: false })
  await fixture.runPlan(plan.id)
  await expect.poll(alerts).toEqual([])
  await expect.poll(() => mail.messages.length).toBe(2)
  for (const path of ['/slack', '/teams']) await expect.poll(() => at(path).length).toBe(2)
  await expect.poll(async () => (await commandMessages()).length).toBe(2)
  await expect.poll(() => at('/webhook').length).toBe(3)

  const [raised, resolved] = mail.messages
  expect(headerOf(raised ?? '', 'Subject')).toBe('[staging] WARNING: rpo-exceeded <shop>')
  expect(headerOf(resolved ?? '', 'Subject')).toBe('[staging] RESOLVED: rpo-exceeded <shop>')
  expect(headerOf(resolved ?? '', 'In-Reply-To')).toBe(headerOf(raised ?? '', 'Message-ID'))
  expect(raised).toContain('There is no restore point.')

  // The second attempt has the id of the first.
  const events = bodies('/webhook')
  expect(events.map(({ type }) => type)).toEqual([
    'osb-backup.alarm.raised',
    'osb-backup.alarm.raised',
    'osb-backup.alarm.resolved',
  ])
  expect(events[0].id).toBe(events[1].id)
  expect(events[0]).toMatchObject({ specversion: '1.0', data: { environment: 'staging', alarm: { instanceId } } })
  for (const { headers, body } of at('/webhook')) {
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`)
    expect(headers['content-type']).toBe('application/cloudevents+json')
  }
  expect(bodies('/slack')[0].text).toContain('&lt;shop&gt;')
  const [card] = bodies('/teams')[0].attachments
  expect(card).toMatchObject({
    contentType: 'application/vnd.microsoft.card.adaptive',
    content: { type: 'AdaptiveCard' },
  })
  expect((await commandMessages()).map(({ event }) => event)).toEqual(['raised', 'resolved'])
  expect(at('/others').length + at('/disabled').length + at('/redirected').length).toBe(0)

  const log = await fixture.client.notifications.list({ limit: 500 })
  expect(log.items.map(({ state }) => state)).toEqual(log.items.map(() => 'delivered'))
  const told = [mail.messages, http.received.map(({ body }) => body), await commandMessages()]
  expect(JSON.stringify(told)).not.toMatch(/password|whsec|token/i)
})

test('secrets are write-only, sealed, and kept for the server that they were stored for', async () => {
  const url = `${http.url}/secret-path`
  const { id } = await channel('moved', { kind: 'webhook', url: `${http.url}/moved`, secret })
  const chat = await channel('chat', { kind: 'mattermost', url })
  const shown = await fixture.call('GET', '/v1/notification-channels')
  expect(shown.text).not.toMatch(/whsec|secret-path|password of/)
  expect(await fixture.client.notificationChannels.get(chat.id)).toMatchObject({ transport: { urlSet: true } })
  const rows = await database.query('select transport, rules from notification_channels')
  expect(JSON.stringify(rows)).not.toMatch(/whsec|secret-path|password of/)
  const patch = (transport: object) => fixture.call('PATCH', `/v1/notification-channels/${id}`, { transport })
  expect((await patch({ kind: 'webhook', url: `${http.url}/elsewhere` })).status).toBe(200)
  expect((await patch({ kind: 'webhook', url: 'http://127.0.0.2:9/' })).body).toMatchObject({
    field: 'transport.secret',
  })
  // A URL that was lost is no server that a URL could match.
  await database.query('update notification_channels set sealed_secrets = null where id = $1', [chat.id])
  const lost = `/v1/notification-channels/${chat.id}`
  expect((await fixture.call('PATCH', lost, { name: 'renamed' })).body).toMatchObject({ field: 'transport.url' })
  expect((await fixture.call('PATCH', lost, { transport: { kind: 'mattermost', url } })).status).toBe(200)
  const entries = await fixture.client.auditEntries.list({ q: 'notification-channels' })
  expect(JSON.stringify(entries)).not.toMatch(/whsec|secret-path/)
})

test('a test message tells whether a channel works', async () => {
  const works = await channel('works', { kind: 'slack', url: `${http.url}/works` }, { enabled: false })
  const { id } = await fixture.client.notificationChannels.test(works.id)
  await expect.poll(async () => (await fixture.client.notifications.get(id)).state).toBe('delivered')
  expect(bodies('/works')[0].text).toContain('[staging] Test')
  // Addresses of cloud metadata services are never connected to.
  const forbidden = await channel('forbidden', { kind: 'slack', url: 'http://169.254.169.254/latest' })
  const tried = await fixture.client.notificationChannels.test(forbidden.id)
  const found = () => fixture.client.notifications.get(tried.id)
  await expect.poll(async () => (await found()).state).toBe('failing')
  expect((await found()).error).toContain('may not be connected to')
})

test('each backup of a plan pings its check, with an id of the run', async () => {
  const plan = await fixture.createPlan({ items: ['pinged'] })
  const check = { kind: 'healthchecks', planId: plan.id, url: `${http.url}/ping/1` } as const
  // What is not about the backups of its plan would be a ping.
  for (const [field, value] of Object.entries({
    rules: [{ kinds: ['rpo-exceeded'] }],
    quietHours: { from: '22:00', until: '06:00', timezone: 'UTC' },
    summary: { every: 'day', timezone: 'UTC' },
  })) {
    const refused = await fixture.call('POST', '/v1/notification-channels', {
      ...{ name: 'check', transport: check },
      [field]: value,
    })
    expect(refused).toMatchObject({ status: 400, body: { field } })
  }
  await channel('check', check, { rules: [] })
  const job = await fixture.runPlan(plan.id)
  const pings = () => http.received.map(({ path }) => path).filter((path) => path.startsWith('/ping/'))
  await expect.poll(() => pings().length).toBe(2)
  const rid = `rid=${job.id.slice(0, 8)}-${job.id.slice(8, 12)}-${job.id.slice(12, 16)}-${job.id.slice(16, 20)}-${job.id.slice(20)}00000000`
  expect(pings().toSorted()).toEqual([`/ping/1/start?${rid}`, `/ping/1?${rid}`])
  // One that cannot be run, as its destination is gone.
  await database.query("update jobs set ended_at = null, status = 'RUNNING' where id = $1", [job.id])
  await database.query("update jobs set ended_at = now(), status = 'FAILED' where id = $1", [job.id])
  await expect.poll(pings).toContain(`/ping/1/fail?${rid}`)
})

test('warnings wait for the end of quiet hours, and are in the summary', async () => {
  const quietHours = { from: '00:00', until: '23:59', timezone: 'UTC' }
  const summary = { every: 'day', timezone: 'Europe/Berlin' } as const
  const night = await channel('night', { kind: 'slack', url: `${http.url}/night` }, { quietHours, summary })
  const plan = await fixture.createPlan({ paused: true, items: ['quiet'] })
  const log = async () => (await fixture.client.notifications.list({ channel: night.id })).items
  await expect.poll(async () => (await log()).map(({ event }) => event)).toEqual(['raised'])
  await database.query('update notification_channels set next_summary_at = now() where id = $1', [night.id])
  await expect.poll(() => bodies('/night').length).toBe(1)
  expect(bodies('/night')[0].text).toContain('quiet of i: There is no restore point.')
  // What waits is withdrawn from a channel that is disabled.
  const off = await channel('off', { kind: 'slack', url: `${http.url}/off` }, { quietHours, rules: [] })
  const { id: waitingId } = await fixture.client.notificationChannels.test(off.id)
  await database.query(
    `insert into notifications (channel_id, alarm_id, event, state_key, content, created_at, next_attempt_at)
     values ($1, 'x', 'raised', 'of off', '{}', now(), now() + interval '1 hour')`,
    [off.id],
  )
  await fixture.client.notificationChannels.update(off.id, { enabled: false })
  const { items: left } = await fixture.client.notifications.list({ channel: off.id })
  expect(left.map(({ id }) => id)).toEqual([waitingId])
  await fixture.client.plans.update(plan.id, { paused: false })
  await fixture.runPlan(plan.id)
  // Nobody was told of the alarm, and nobody is told that it is over.
  await expect.poll(async () => (await log()).map(({ event }) => event)).toEqual(['summary'])
  expect(bodies('/night')).toHaveLength(1)
})
