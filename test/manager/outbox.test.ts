import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Context } from '../../packages/manager/src/context/context.ts'
import { type Database, openDatabase } from '../../packages/manager/src/database/open-database.ts'
import { inTransaction } from '../../packages/manager/src/database/transaction.ts'
import type { Channel, Notification } from '../../packages/manager/src/notifications/channel.ts'
import { deliverDue } from '../../packages/manager/src/notifications/deliver.ts'
import { type ChangedAlarm, enqueueAlarms } from '../../packages/manager/src/notifications/enqueue.ts'
import {
  claimNotifications,
  dropOldPings,
  recordDelivery,
  recordFailure,
} from '../../packages/manager/src/notifications/outbox-repository.ts'
import { insertChannel } from '../../packages/manager/src/notifications/repository.ts'
import { Sealer } from '../../packages/manager/src/secrets/sealing.ts'
import { readSettings } from '../../packages/manager/src/settings/settings.ts'
import { type HttpReceiver, startHttpReceiver } from './notification-receivers.ts'
import { insertPlan, makeDatabase, type OwnDatabase } from './own-database.ts'

let own: OwnDatabase
let database: Database
let context: Pick<Context, 'database' | 'sealer' | 'settings' | 'log'>
let http: HttpReceiver

beforeAll(async () => {
  own = await makeDatabase()
  http = await startHttpReceiver()
  const log = pino({ level: 'silent' })
  database = await openDatabase({ connectionString: own.url }, log)
  const sealer = new Sealer(() => ({ current: Buffer.alloc(32, 7), others: [] }))
  context = { database, sealer, settings: readSettings({}), log }
  await insertPlan(own)
})
afterEach(async () => {
  http.statuses.clear()
  await own.query('delete from notification_channels')
})
afterAll(async () => {
  await database.destroy()
  await http[Symbol.asyncDispose]()
  await own[Symbol.asyncDispose]()
})

async function addChannel(id: string, fields: Partial<Channel> = {}): Promise<void> {
  const channel: Channel = {
    ...{ id, version: 1, name: id, enabled: true, rules: [], quietHours: undefined, summary: undefined },
    transport: { kind: 'slack', url: `${http.url}/${id}` },
    createdAt: new Date(),
    ...fields,
  }
  await insertChannel(context, channel, undefined)
}

const alarm = (id: string, severity: ChangedAlarm['severity']): ChangedAlarm => ({
  ...{ id, severity, kind: 'rpo-exceeded', instanceId: 'i', planId: 'p', sentence: 'It is late.', advice: 'Look.' },
  object: { kind: 'item', id, name: id },
  since: new Date(),
})
const enqueue = (changed: Partial<Parameters<typeof enqueueAlarms>[1]>) =>
  inTransaction(context, (tx) =>
    enqueueAlarms(tx, { raised: [], escalated: [], resolved: [], ...changed }, new Date(Date.now() - 1000)),
  )
const claim = (limit = 100) => claimNotifications(context, limit)
const shown = (claimed: readonly Notification[]) =>
  claimed
    .map(({ channelId, event, content }) => `${channelId} ${event} ${content.alarm?.id ?? content.jobId}`)
    .toSorted()
const waiting = () =>
  own.query('select channel_id, event from notifications where next_attempt_at is not null order by sequence')
/** Lets the backoffs and pauses of what failed pass. */
const passBackoffs = () =>
  own.query(`with resumed as (update notification_channels set paused_until = paused_until - interval '1 hour')
    update notifications set next_attempt_at = now() where next_attempt_at is not null`)
const deliver = () => deliverDue(context, 20, new AbortController().signal)
const at = (path: string) => http.received.filter((each) => each.path === path).length

test('what tells that an alarm became critical does not wait for the end of quiet hours', async () => {
  const hour = 3_600_000
  const timeOf = (ms: number) => new Date(Date.now() + ms).toISOString().slice(11, 16)
  await addChannel('night', { quietHours: { from: timeOf(-2 * hour), until: timeOf(2 * hour), timezone: 'UTC' } })
  await enqueue({ raised: [alarm('worse', 'warning'), alarm('same', 'warning')] })
  expect(await claim()).toEqual([])
  await enqueue({ escalated: [{ ...alarm('worse', 'critical'), previousSeverity: 'warning' }] })
  expect(shown(await claim())).toEqual(['night escalated worse'])
  expect(await waiting()).toEqual([
    { channel_id: 'night', event: 'raised' },
    { channel_id: 'night', event: 'escalated' },
  ])
})

test('a channel that fails delays no other, rests, and then tries one message at a time, critical ones first', async () => {
  await addChannel('dead')
  await addChannel('alive')
  http.statuses.set('/dead', 503)
  const warnings = Array.from({ length: 30 }, (_, index) => alarm(`warning-${index}`, 'warning'))
  await enqueue({ raised: [...warnings, alarm('critical', 'critical')] })
  // Nobody has all places: neither of the two is behind the 31 messages of the other.
  const first = await claim(20)
  expect(first.filter(({ channelId }) => channelId === 'dead')).toHaveLength(4)
  expect(first.filter(({ channelId }) => channelId === 'alive')).toHaveLength(4)
  expect(shown(first).filter((each) => each.endsWith('critical'))).toHaveLength(2)
  // While they are under way their channels have no place.
  expect(await claim()).toEqual([])
  for (const { id } of first) await recordFailure(context, id, 'The server answered 503.')

  while (await deliver());
  expect(at('/alive')).toBe(27)
  expect(at('/dead')).toBeLessThanOrEqual(4)
  expect(await claim()).toEqual([])

  await passBackoffs()
  const probes = await claim()
  expect(shown(probes).filter((each) => each.startsWith('dead'))).toEqual(['dead raised critical'])
  http.statuses.clear()
  for (const { id } of probes) await recordFailure(context, id, 'The server answered 503.')
  await passBackoffs()
  while (await deliver());
  await passBackoffs()
  while (await deliver());
  expect(await waiting()).toEqual([])
})

/** Inserts a backup job, and lets it begin. */
async function beginJob(id: string): Promise<void> {
  await own.query(
    `insert into jobs (id, kind, status, instance_id, plan_id, destination_id, started_at)
     values ($1, 'backup', 'RUNNING', 'i', 'p', 'd', now())`,
    [id],
  )
  await own.query('update jobs set began_at = now() where id = $1', [id])
}
const endJob = (id: string, status: string) =>
  own.query('update jobs set ended_at = now(), status = $2 where id = $1', [id, status])
const addCheck = () =>
  addChannel('check', { transport: { kind: 'healthchecks', planId: 'p', url: `${http.url}/check` } })

test('pings of a check are delivered in order, and an old success never follows a newer failure', async () => {
  await addCheck()
  await beginJob('job-1')
  await endJob('job-1', 'SUCCEEDED')
  const [started] = await claim()
  expect(started?.event).toBe('started')
  expect(await claim()).toEqual([])
  await recordDelivery(context, started?.id ?? '')
  const [succeeded] = await claim()
  expect(succeeded?.event).toBe('succeeded')
  await recordFailure(context, succeeded?.id ?? '', 'The server answered 503.')

  await beginJob('job-2')
  await dropOldPings(context)
  // A start says nothing of the outcome before it.
  expect(await waiting()).toMatchObject([{ event: 'succeeded' }, { event: 'started' }])
  await endJob('job-2', 'FAILED')
  await dropOldPings(context)
  await passBackoffs()
  const events = []
  for (let claimed = await claim(); claimed.length > 0; claimed = await claim()) {
    events.push(...claimed.map(({ event, content }) => `${event} ${content.jobId}`))
    for (const { id } of claimed) await recordDelivery(context, id)
  }
  expect(events).toEqual(['started job-2', 'failed job-2'])
})

test('a ping that is under way is not replaced, so that it cannot arrive after a newer one', async () => {
  await addCheck()
  await beginJob('job-3')
  const [started] = await claim()
  await recordFailure(context, started?.id ?? '', 'The server answered 503.')
  await passBackoffs()
  expect(await claim()).toHaveLength(1)
  await endJob('job-3', 'FAILED')
  await dropOldPings(context)
  expect(await waiting()).toMatchObject([{ event: 'started' }, { event: 'failed' }])
  expect(await claim()).toEqual([])
})

test('a failed attempt is no failure of the run while another follows, and is one once that is cancelled', async () => {
  await addCheck()
  await beginJob('job-4')
  await inTransaction(context, async ({ database: tx }) => {
    await tx.updateTable('jobs').set({ ended_at: new Date(), status: 'FAILED' }).where('id', '=', 'job-4').execute()
    await tx.updateTable('backup_plans').set({ retry_of_job_id: 'job-4' }).where('id', '=', 'p').execute()
  })
  expect(await waiting()).toMatchObject([{ event: 'started' }])
  await own.query(`update backup_plans set retry_of_job_id = null where id = 'p'`)
  expect(await waiting()).toMatchObject([{ event: 'started' }, { event: 'failed' }])
})

test('an event that is no ping never reports success', async () => {
  await addCheck()
  await own.query(`insert into notifications (channel_id, event, state_key, content, created_at, next_attempt_at)
    values ('check', 'summary', 'summary', '{"summary": {"openAlarms": [], "total": 0}}', now(), now())`)
  await deliver()
  expect(await own.query('select attempts, delivered_at from notifications')).toEqual([
    { attempts: 1, delivered_at: null },
  ])
  expect(http.received.filter(({ path }) => path.startsWith('/check'))).toEqual([])
})
