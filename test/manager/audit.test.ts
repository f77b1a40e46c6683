import { rename } from 'node:fs/promises'
import type { ManagerProcess } from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startFixture } from '../fixtures/fixture.ts'
import { type OwnDatabase, startManagerOnDatabase } from './own-database.ts'

const instance = {
  hosts: [{ ip: '10.0.0.5', port: 5432 }],
  agent: { url: 'http://127.0.0.1:9', username: 'agent', password: 'agent-secret' },
}
const destination = {
  type: 'S3',
  name: 's3',
  endpoint: 'http://127.0.0.1:9',
  bucket: 'b',
  authKey: 'k',
  authSecret: 's',
  serviceInstance: { service_instance_id: 'audited' },
}
const planOf = (destinationId: string) => ({
  name: 'nightly',
  serviceInstance: { service_instance_id: 'audited' },
  fileDestination: { id: destinationId },
  frequency: '0 0 2 * * *',
  retentionStyle: 'ALL',
  items: ['shop'],
})

let stack: AsyncDisposableStack
let manager: ManagerProcess
let database: OwnDatabase

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  const running = stack.use(await startManagerOnDatabase())
  manager = running.manager
  database = running.database
})

afterAll(() => stack.disposeAsync())

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; id: string }> {
  const response = await fetch(manager.url + path, {
    method,
    headers: { authorization: `Bearer ${manager.token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const answer = (await response.json().catch(() => undefined)) as { id?: string } | undefined
  return { status: response.status, id: answer?.id ?? '' }
}

/** How many rows the tables of the resources have, and how often the rows were changed. */
async function contents(): Promise<unknown> {
  return database.query(
    `select (select json_agg(t) from (select id, version, deleted_at from service_instances order by id) t) as instances,
       (select json_agg(t) from (select id, version, deleted_at from file_destinations order by id) t) as destinations,
       (select json_agg(t) from (select id, version from backup_plans order by id) t) as plans,
       (select json_agg(t) from (select id, status, cancelled_by from jobs order by id) t) as jobs,
       (select json_agg(id) from tokens) as tokens, (select json_agg(name) from broker_accounts) as accounts`,
  )
}

async function entryOf(path: string): Promise<unknown> {
  const text = 'select action, status, instance_id from audit_entries where path = $1 order by id desc limit 1'
  return (await database.query(text, [path]))[0]
}

/** Makes every audit entry fail while something is called. */
async function withoutAuditLog<T>(act: () => Promise<T>): Promise<T> {
  await database.query('alter table audit_entries add constraint no_entries check (false) not valid')
  try {
    return await act()
  } finally {
    await database.query('alter table audit_entries drop constraint no_entries')
  }
}

test('a change and its audit entry are stored together or not at all, before the response is sent', async () => {
  let destinationId = ''
  let planId = ''
  let jobId = ''
  const changes: [string, () => string, (() => unknown)?, ((id: string) => void)?][] = [
    ['PUT', () => '/serviceInstances/audited', () => instance],
    [
      'POST',
      () => '/fileDestinations',
      () => destination,
      (id) => {
        destinationId = id
      },
    ],
    ['PATCH', () => `/fileDestinations/${destinationId}`, () => ({ ...destination, name: 'renamed' })],
    [
      'POST',
      () => '/backupPlans',
      () => planOf(destinationId),
      (id) => {
        planId = id
      },
    ],
    ['PATCH', () => `/backupPlans/${planId}`, () => ({ ...planOf(destinationId), name: 'renamed' })],
    ['POST', () => `/backupPlans/${planId}/keys`, () => ({ keepPrivateKey: false })],
    ['POST', () => '/backup', () => ({ backupPlan: { id: planId } })],
    ['POST', () => `/backupJobs/${jobId}/cancel`],
    ['DELETE', () => `/backupPlans/${planId}`],
    ['DELETE', () => `/fileDestinations/${destinationId}`],
    ['DELETE', () => '/serviceInstances/audited'],
    ['POST', () => '/tokens', () => ({ name: 'ada', role: 'viewer', serviceInstances: 'all' })],
    ['PUT', () => '/brokerAccounts/broker', () => ({ password: 'a password that is long', serviceInstances: 'all' })],
    ['DELETE', () => '/brokerAccounts/broker'],
  ]
  const openJobs = () => database.query('select id from jobs where ended_at is null')
  for (const [method, path, body, keep] of changes) {
    // Nothing is deleted on which a job works; the cancelled one ends soon.
    if (method === 'DELETE') await expect.poll(openJobs).toEqual([])
    const before = await contents()
    const failed = await withoutAuditLog(() => call(method, path(), body?.()))
    expect([method, path(), failed.status]).toEqual([method, path(), 500])
    expect(await contents()).toEqual(before)

    const { status, id } = await call(method, path(), body?.())
    expect([method, path(), status < 300]).toEqual([method, path(), true])
    expect(await entryOf(path())).toMatchObject({ status })
    keep?.(id)
    const [job] = await database.query<{ id: string }>('select id from jobs')
    jobId = job?.id ?? ''
  }
})

test('a call that is refused is recorded with its status, and one that only reads is not', async () => {
  expect((await call('DELETE', '/backupPlans/nothing')).status).toBe(404)
  expect(await entryOf('/backupPlans/nothing')).toMatchObject({ action: 'DELETE /backupPlans/:id', status: 404 })
  expect((await call('GET', '/backupPlans/nothing-else')).status).toBe(404)
  expect(await entryOf('/backupPlans/nothing-else')).toBeUndefined()
})

test('a call that fails after its change was recorded is recorded once more, with its status', async () => {
  await using fixture = await startFixture()
  const plan = await fixture.createPlan()
  await fixture.runPlan(plan.id)
  const point = await fixture.newestPoint(plan.id)
  await rename(fixture.store, `${fixture.store}.away`)
  expect((await fixture.call('DELETE', `/v1/restore-points/${point.id}`)).status).toBe(409)
  const { items } = await fixture.client.auditEntries.list({ limit: 2 })
  expect(items.map(({ action, status }) => ({ action, status }))).toEqual([
    { action: 'DELETE /v1/restore-points/:id', status: 409 },
    { action: 'DELETE /v1/restore-points/:id', status: 204 },
  ])
})
