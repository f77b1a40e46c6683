import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FollowedEvent } from '@osb-backup/client'
import { BackupClient } from '@osb-backup/client'
import { VERSION } from '@osb-backup/node'
import type { AlarmQuery } from '@osb-backup/protocol/v1'
import { type ManagerProcess, startManagerProcess } from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest'
import { createCertificates } from '../fixtures/certificates.ts'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'
import { KeystoneUser } from '../storage/keystone-user.ts'
import { SwiftAccount } from '../storage/swift-account.ts'
import { makeDatabase, type OwnDatabase } from './own-database.ts'

let stack: AsyncDisposableStack
let database: OwnDatabase
let fixture: Fixture
/** Another manager on the same database. */
let other: ManagerProcess

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  database = stack.use(await makeDatabase())
  const settings = { DATABASE_URL: database.url, ALARM_INTERVAL_SECONDS: '1', SECRET_KEY: '5e'.repeat(32) }
  fixture = stack.use(await startFixture({}, settings))
  other = await startManagerProcess({ ...settings, DATA_DIR: `${fixture.folder}/other` })
  stack.defer(() => other.stop())
})
afterAll(() => stack.disposeAsync())

const alarmsOf = async (query: AlarmQuery = {}) => (await fixture.client.alarms.list({ limit: 500, ...query })).items
const openKinds = async () => (await alarmsOf({ state: 'open' })).map(({ kind }) => kind).toSorted()

test('an item without a restore point within its objective raises one alarm, which resolves once there is one', async () => {
  const events: FollowedEvent[] = []
  const stop = new AbortController()
  const following = (async () => {
    for await (const event of fixture.client.followEvents({ instance: instanceId }, { signal: stop.signal })) {
      events.push(event)
    }
  })().catch(() => undefined)
  const alarmEvents = () => events.flatMap((each) => (each.type === 'alarm' ? [each.event] : []))
  await expect.poll(() => events.length).toBe(1)

  const plan = await fixture.createPlan({ paused: true })
  await expect.poll(openKinds).toEqual(['rpo-exceeded'])
  const [alarm] = await alarmsOf()
  expect(alarm).toMatchObject({
    state: 'open',
    severity: 'warning',
    object: { kind: 'item', name: 'db1' },
    instanceId,
  })
  expect(alarm?.sentence).toContain('There is no restore point.')
  const id = alarm?.id ?? ''

  const acknowledged = await fixture.client.alarms.acknowledge(id)
  expect(acknowledged).toMatchObject({ state: 'open', acknowledgement: { by: 'first admin token' } })
  expect(await alarmsOf({ acknowledged: 'false' })).toEqual([])
  const [entry] = (await fixture.client.auditEntries.list({ q: 'acknowledge' })).items
  expect(entry).toMatchObject({ action: 'POST /v1/alarms/:id/acknowledge', instanceId, status: 200 })

  await fixture.client.plans.update(plan.id, { paused: false })
  await fixture.runPlan(plan.id)
  await expect.poll(async () => (await fixture.client.alarms.get(id)).state).toBe('resolved')
  await expect.poll(() => alarmEvents().length).toBe(3)
  expect(alarmEvents().map(({ state, acknowledged }) => [state, acknowledged])).toEqual([
    ['open', false],
    ['open', true],
    ['resolved', true],
  ])
  // Two managers evaluated it, and there is one.
  expect(await alarmsOf({ kind: 'rpo-exceeded' })).toHaveLength(1)
  stop.abort()
  await following
})

test('whatever is recorded as wrong raises an alarm, and none is open once it is put right', async () => {
  const plan = await fixture.createPlan()
  await fixture.runPlan(plan.id)
  await fixture.runPlan(plan.id)
  const [newest, oldest] = await fixture.pointsOf(plan.id)
  const { items } = await fixture.client.jobs.list({ plan: plan.id })
  await database.query(`insert into plan_runs (plan_id, due_at, last_due_at, runs, outcome, late, decided_at)
    select '${plan.id}', now(), now(), 2, 'SKIPPED', false, now()`)
  const missing = await fixture.createPlan({ items: ['db2'] })
  await database.query(`insert into plan_runs (plan_id, due_at, last_due_at, runs, outcome, late, decided_at)
    select '${missing.id}', now(), now(), 1, 'MISSED', false, now()`)
  const states = [
    [
      `update jobs set status = 'FAILED' where id = '${items[0]?.id}'`,
      `update jobs set status = 'SUCCEEDED' where id = '${items[0]?.id}'`,
    ],
    [
      `update job_parts set locked_since = now(), unlock_attempts = 3 where job_id = '${items[0]?.id}'`,
      'update job_parts set locked_since = null, unlock_attempts = null',
    ],
    [
      `update restore_points set suspicious = true where id = '${newest?.id}'`,
      'update restore_points set suspicious = false',
    ],
    [
      `update restore_points set verified_state = 'damaged' where id = '${oldest?.id}'`,
      'update restore_points set verified_state = null',
    ],
    [
      `insert into destination_checks (destination_id, reachable, error, check_at)
        select id, false, 'refused', now() + interval '1 day' from file_destinations
        on conflict (destination_id) do update set reachable = false, error = 'refused'`,
      'update destination_checks set reachable = true, error = null',
    ],
    ["update agents set start_problem = 'scripts_path cannot be read'", 'update agents set start_problem = null'],
    [
      "update tokens set expires_at = now() + interval '1 day', last_used_at = now()",
      'update tokens set expires_at = null',
    ],
    [
      `insert into manager_reports (id, name, version, reported_at, certificates)
        values ('gone', 'gone', '1', now() - interval '1 hour', '[{"file":"c","expiresAt":["2020-01-01T00:00:00Z"]}]')`,
      "delete from manager_reports where id = 'gone'",
    ],
    [
      'insert into clock_jumps (detected_at, jump_seconds) values (now(), 7200)',
      'update clock_jumps set confirmed_at = now()',
    ],
  ] as const
  // The agent, which knows nothing of the lock, is not asked meanwhile.
  await database.query("update agents set check_at = now() + interval '1 day'")
  for (const [wrong] of states) await database.query(wrong)
  await expect
    .poll(openKinds)
    .toEqual(
      [
        ...[
          'agent-failing',
          'certificate-expiring',
          'clock-wrong',
          'database-locked',
          'destination-failing',
          'manager-gone',
          'run-failed',
          'run-missed',
        ],
        ...['run-skipped', 'suspicious-dump', 'token-expiring', 'verification-failed'],
      ].toSorted(),
    )
  for (const [, right] of states) await database.query(right)
  await database.query('delete from plan_runs')
  await expect.poll(openKinds).toEqual([])
})

/** An agent of another instance that answers with a status, which can be replaced. */
async function agentReporting(instance: string, host: string, first: object) {
  let status = first
  const server = createServer((_request, response) => response.end(JSON.stringify(status))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { id } = await fixture.client.agents.create({ url, username: 'agent', password: 'a password' })
  await fixture.client.instances.create({ id: instance, agentId: id, hosts: [{ address: host, port: 5432 }] })
  return {
    id,
    checkAfter(next: object) {
      status = next
      return fixture.client.agents.check(id)
    },
    async [Symbol.asyncDispose]() {
      await fixture.client.instances.delete(instance)
      server.close()
    },
  }
}

test('an agent that accepts no jobs says why, and raises an alarm until it does', async () => {
  const status = {
    message: 'Client is running',
    version: VERSION,
    start_problem: 'scripts_path cannot be read: EACCES.',
  }
  await using agent = await agentReporting('failing', '10.0.0.9', status)
  const { id } = agent
  expect(await agent.checkAfter(status)).toMatchObject({ state: 'reachable', startProblem: status.start_problem })
  await expect.poll(() => alarmsOf({ kind: 'agent-failing', state: 'open' })).toMatchObject([{ object: { id } }])
  expect(await agent.checkAfter({ message: 'Client is running' })).not.toHaveProperty('startProblem')
  await expect.poll(() => alarmsOf({ kind: 'agent-failing', state: 'open' })).toEqual([])
})

test('an agent whose clock differs, or whose disk is nearly full, raises an alarm until that is over', async () => {
  const healthy = await fixture.client.agents.check(fixture.agentId)
  expect(healthy).not.toHaveProperty('clockSkewSeconds')
  expect(healthy.disks.map(({ directory }) => directory)).toEqual(['directory_backup', 'directory_restore'])
  for (const { freeBytes, sizeBytes } of healthy.disks) expect(freeBytes).toBeLessThan(sizeBytes)

  const time = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString()
  const status = {
    message: 'Client is running',
    time: time(-7200),
    free_disk_bytes: { directory_backup: 4, directory_restore: 50 },
    disk_size_bytes: { directory_backup: 100, directory_restore: 100 },
  }
  await using agent = await agentReporting('skewed', '10.0.0.10', status)
  const { id } = agent
  expect(await agent.checkAfter(status)).toMatchObject({ clockSkewSeconds: expect.closeTo(-7200, -2) })
  await expect
    .poll(() => alarmsOf({ kind: 'clock-wrong', state: 'open' }))
    .toMatchObject([{ object: { id }, sentence: expect.stringContaining('behind that of PostgreSQL') }])
  await expect
    .poll(() => alarmsOf({ kind: 'disk-nearly-full', state: 'open' }))
    .toMatchObject([{ object: { id }, severity: 'critical', sentence: expect.stringContaining('directory_backup') }])
  // What cannot be true, or is too much, counts as not reported.
  const absurd = { free_disk_bytes: { a: -1 }, disk_size_bytes: { a: 'much' }, time: 'yesterday' }
  expect(await agent.checkAfter({ ...status, ...absurd })).toMatchObject({ state: 'reachable', disks: [] })
  await expect.poll(() => alarmsOf({ kind: 'disk-nearly-full', state: 'open' })).toEqual([])
  await expect.poll(() => alarmsOf({ kind: 'clock-wrong', state: 'open' })).toEqual([])
  const furthest = await agent.checkAfter({ ...status, time: '9999-12-31T23:59:59Z' })
  expect(furthest).toMatchObject({ state: 'reachable', clockSkewSeconds: 2_147_483_647 })
})

test('an authority that a destination trusts raises an alarm before it expires', async () => {
  const { file } = await createCertificates()
  const destination = await fixture.client.destinations.create({
    instanceId,
    name: 'minio',
    store: {
      kind: 's3',
      endpoint: 'https://127.0.0.1:9',
      bucket: 'b',
      authKey: 'k',
      authSecret: 's',
      caCertificate: await readFile(file('ca.pem'), 'utf8'),
    },
  })
  await database.query(
    `insert into destination_checks (destination_id, check_at) values ($1, now())
      on conflict (destination_id) do update set check_at = now()`,
    [destination.id],
  )
  await expect
    .poll(() => alarmsOf({ kind: 'certificate-expiring', state: 'open' }))
    .toMatchObject([{ instanceId, severity: 'critical', object: { name: 'certificate of the destination minio' } }])
  await fixture.client.destinations.delete(destination.id)
  await expect.poll(() => alarmsOf({ kind: 'certificate-expiring', state: 'open' })).toEqual([])
})

test('credentials of a destination raise an alarm before they expire, which resolves once it has others', async () => {
  const { swift } = inject('lab')
  const account = new SwiftAccount(swift)
  const container = `expiring-${randomUUID()}`
  await account.makeContainer(container)
  onTestFinished(() => account.removeContainer(container))
  const user = await KeystoneUser.logIn(swift)
  await using expiring = await user.createApplicationCredential(new Date(Math.ceil(Date.now() / 1000 + 86_400) * 1000))
  await using lasting = await user.createApplicationCredential()
  const { id } = await fixture.client.destinations.create({
    instanceId,
    name: 'object store',
    store: {
      kind: 'swift',
      authUrl: swift.authUrl,
      container,
      applicationCredentialId: expiring.id,
      password: expiring.secret,
    },
  })
  const checkNow = () =>
    database.query(
      `insert into destination_checks (destination_id, check_at) values ($1, now())
        on conflict (destination_id) do update set check_at = now()`,
      [id],
    )
  const open = () => alarmsOf({ kind: 'credentials-expiring', state: 'open' })
  await checkNow()
  await expect.poll(open).toMatchObject([
    {
      ...{ instanceId, severity: 'critical', object: { kind: 'destination', id } },
      sentence: expect.stringContaining('The credentials of the destination "object store" expire at '),
    },
  ])
  await fixture.client.destinations.update(id, {
    store: { kind: 'swift', applicationCredentialId: lasting.id, password: lasting.secret },
  })
  await checkNow()
  await expect.poll(open).toEqual([])
  await fixture.client.destinations.delete(id)
})

test('an agent that is gone raises an alarm, which those see who use the agent', async () => {
  const client = async (instance: string) => {
    const { token } = await fixture.client.tokens.create({ name: instance, role: 'operator', instances: [instance] })
    return new BackupClient({ url: fixture.manager.url, token })
  }
  await fixture.agent.stop()
  await fixture.client.agents.check(fixture.agentId)
  await expect.poll(openKinds).toContain('agent-offline')
  const user = await client(instanceId)
  const [alarm] = (await user.alarms.list({ kind: 'agent-offline' })).items
  expect(alarm).toMatchObject({ object: { kind: 'agent', id: fixture.agentId }, state: 'open' })
  const id = alarm?.id ?? ''
  await expect(user.alarms.acknowledge(id)).rejects.toMatchObject({ status: 403 })
  const stranger = await client('another')
  expect((await stranger.alarms.list()).items).toEqual([])
  await expect(stranger.alarms.get(id)).rejects.toMatchObject({ status: 404 })
})

test('a manager that is stopped is not missed, and its alarms continue', async () => {
  const reports = () => database.query('select from manager_reports')
  expect(await reports()).toHaveLength(2)
  await other.stop()
  expect(await reports()).toHaveLength(1)
  const [alarm] = await alarmsOf({ kind: 'agent-offline' })
  const { file } = await createCertificates()
  await fixture.restartManager({ AGENT_CA_FILE: file('ca.pem') })
  await expect.poll(reports).toHaveLength(1)
  const continued = await fixture.client.alarms.get(alarm?.id ?? '')
  expect(continued).toMatchObject({ state: 'open', since: alarm?.since })
  // What it trusts expires soon.
  await expect
    .poll(async () => (await alarmsOf({ kind: 'certificate-expiring', state: 'open' })).map((each) => each.object.name))
    .toEqual([expect.stringContaining('ca.pem of ')])
})
