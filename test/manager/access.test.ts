import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type ManagerProcess,
  makeTemporaryFolder,
  startAgentProcess,
  startManagerProcess,
  TEST_TOKEN,
} from '@osb-backup/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
interface Operation {
  method: Method
  path: string
  /** A body that fits, as the document has it. */
  example: unknown
  /** Whether it is for everybody. */
  isOpen: boolean
}

/** What anybody can write: a token of an identity provider that nobody signed. */
const unsignedToken = [{ alg: 'none' }, { sub: 'eve', scope: 'osb-backup.admin', exp: 4_000_000_000 }, '']
  .map((part) => (part === '' ? '' : Buffer.from(JSON.stringify(part)).toString('base64url')))
  .join('.')

let stack: AsyncDisposableStack
let manager: ManagerProcess
let operations: Operation[]
const ids = { agent: '', plan: '', destination: '', job: '', point: '', reconciliation: '' }
const mine = { service_instance_id: 'mine' }
const instance = {
  hosts: [{ ip: '10.0.0.5', port: 5432 }],
  agent: { url: 'http://127.0.0.1:9', username: 'agent', password: 'agent-secret' },
}

async function call(method: Method, path: string, authorization: string | undefined, body?: unknown) {
  const response = await fetch(manager.url + path, {
    method,
    headers: {
      ...(authorization === undefined ? {} : { authorization }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? null : JSON.stringify(body),
  })
  const isStream = response.headers.get('content-type') === 'text/event-stream'
  if (isStream) await response.body?.cancel()
  const text = isStream ? '' : await response.text()
  return {
    status: response.status,
    text,
    body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : undefined,
  }
}

const bearer = (token: string) => `Bearer ${token}`
const admin = bearer(TEST_TOKEN)

async function makeToken(fields: object): Promise<{ id: string; token: string }> {
  const { status, body } = await call('POST', '/tokens', admin, { name: 'test', serviceInstances: 'all', ...fields })
  expect(status).toBe(201)
  return body
}

/** An agent whose backup writes a few bytes. */
async function startSmallAgent(folder: string) {
  const scripts = join(folder, 'scripts')
  await mkdir(scripts)
  await mkdir(join(folder, 'store'))
  await writeFile(join(scripts, 'pack.json'), JSON.stringify({ form: 2, name: 'small', type: '.dump' }))
  await writeFile(join(scripts, 'backup'), 'echo a few bytes\n')
  return startAgentProcess({
    directory_backup: join(folder, 'backup'),
    directory_restore: join(folder, 'restore'),
    scripts_path: scripts,
    file_destination_root: join(folder, 'store'),
  })
}

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  const folder = stack.use(await makeTemporaryFolder())
  const agent = await startSmallAgent(folder.path)
  stack.defer(() => agent.stop())
  manager = await startManagerProcess({ DATA_DIR: join(folder.path, 'manager'), FILE_DESTINATION_ROOT: folder.path })
  stack.defer(() => manager.stop())
  instance.agent = { url: agent.url, username: agent.username, password: agent.password }
  expect((await call('PUT', '/serviceInstances/mine', admin, instance)).status).toBe(201)
  const other = { ...instance, agent: { ...instance.agent, url: 'http://127.0.0.1:9' } }
  expect((await call('PUT', '/serviceInstances/theirs', admin, other)).status).toBe(201)
  ids.agent = (await call('GET', '/v1/instances/mine', admin)).body.agentId
  const destination = { type: 'FILE', name: 'files', directory: join(folder.path, 'store'), serviceInstance: mine }
  ids.destination = (await call('POST', '/fileDestinations', admin, destination)).body.id
  const plan = {
    name: 'nightly',
    serviceInstance: mine,
    fileDestination: { id: ids.destination },
    frequency: '0 0 2 * * *',
    retentionStyle: 'ALL',
    items: ['db1'],
  }
  ids.plan = (await call('POST', '/backupPlans', admin, plan)).body.id
  ids.job = (await call('POST', '/backup', admin, { backupPlan: { id: ids.plan } })).body.backupJob.id
  const job = await manager.client.jobs.wait(ids.job, { signal: AbortSignal.timeout(240_000), intervalMs: 50 })
  expect(job.state).toBe('succeeded')
  ids.reconciliation = (await call('POST', `/v1/destinations/${ids.destination}/reconcile`, admin, {})).body.id
  ids.point = (await call('GET', '/restorePoints/byInstance/mine', admin)).body.content[0].id
  const document = (await call('GET', '/openapi.json', undefined)).body
  type Described = { description: string; requestBody?: { content: Record<string, { example: unknown }> } }
  operations = Object.entries<Record<string, Described>>(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { description, requestBody }]) => ({
      method: method.toUpperCase() as Method,
      path,
      example: requestBody?.content['application/json']?.example,
      isOpen: description === 'For everybody.',
    })),
  )
})

afterAll(() => stack.disposeAsync())

/** A path with ids that exist, all of the instance "mine". */
function filled(path: string): string {
  const resource = path.replace(/^\/v1\//, '/').split('/')[1] ?? ''
  const known: Record<string, string> = {
    agents: ids.agent,
    instances: 'mine',
    serviceInstances: 'mine',
    destinations: ids.destination,
    fileDestinations: ids.destination,
    plans: ids.plan,
    backupPlans: ids.plan,
    'restore-points': ids.point,
    reconciliations: ids.reconciliation,
    restorePoints: ids.point,
  }
  const id = known[resource] ?? ids.job
  return path.replace('{instanceId}', 'mine').replace('{id}', id).replace('{name}', 'broker-1')
}

/** A body that a caller with the right would get through with: with ids that exist, where a body holds any. */
function bodyFor({ path, example }: Operation): unknown {
  if (example === undefined) return undefined
  if (path === '/backup') return { backupPlan: { id: ids.plan } }
  if (path === '/restore') return { backupJob: { id: ids.job }, items: [{ item: 'db1' }] }
  if (typeof example !== 'object' || example === null) return example
  const known: Record<string, unknown> = {
    serviceInstance: mine,
    fileDestination: { id: ids.destination },
    instanceId: 'mine',
    agentId: ids.agent,
    destinationId: ids.destination,
    planId: ids.plan,
    name: 'taken over',
  }
  return Object.fromEntries(Object.entries(example).map(([field, value]) => [field, known[field] ?? value]))
}

/** Calls every operation of the API's own description, and says what answered. */
async function walk(authorization: string | undefined): Promise<Map<string, { status: number; text: string }>> {
  const answers = new Map<string, { status: number; text: string }>()
  for (const operation of operations) {
    if (operation.isOpen) continue
    const answer = await call(operation.method, filled(operation.path), authorization, bodyFor(operation))
    answers.set(`${operation.method} ${operation.path}`, answer)
  }
  expect(answers.size).toBeGreaterThan(70)
  return answers
}

describe('every operation that the API describes', () => {
  test('is closed without a token, with an expired, a revoked, a forged one', async () => {
    const expired = await makeToken({ role: 'admin', expiresAt: new Date(Date.now() + 1000).toISOString() })
    const revoked = await makeToken({ role: 'admin' })
    expect((await call('GET', '/tokens', bearer(revoked.token))).status).toBe(200)
    expect((await call('DELETE', `/tokens/${revoked.id}`, admin)).status).toBe(204)
    await new Promise((resolve) => setTimeout(resolve, 1100))
    for (const proof of [
      undefined,
      bearer(expired.token),
      bearer(revoked.token),
      bearer(`${TEST_TOKEN}x`),
      bearer(unsignedToken),
      `Basic ${btoa('a:b')}`,
    ]) {
      for (const [operation, { status }] of await walk(proof)) {
        expect([operation, [401, 429].includes(status)]).toEqual([operation, true])
      }
    }
  })

  test("shows and changes nothing of another's instance, and does not tell that it exists", async () => {
    const theirs = await makeToken({ role: 'operator', serviceInstances: ['theirs'] })
    for (const [operation, { status, text }] of await walk(bearer(theirs.token))) {
      if (operation === 'GET /serviceInstances') {
        expect(
          JSON.parse(text).content.map((each: { service_instance_id: string }) => each.service_instance_id),
        ).toEqual(['theirs'])
      } else if (/^GET \/events$|^GET \/v1\/[\w-]+$/.test(operation)) {
        // Lists show what was granted; events are filtered one by one: events.test.ts.
        expect([operation, [200, 403].includes(status)]).toEqual([operation, true])
      } else {
        expect([operation, [400, 403, 404].includes(status)]).toEqual([operation, true])
        if (status === 400) expect(text).toContain('There is no service instance')
      }
      expect(text).not.toContain('nightly')
      if (operation.startsWith('GET')) {
        expect([operation, Object.values(ids).filter((id) => text.includes(id) && status < 300)]).toEqual([
          operation,
          [],
        ])
      }
    }
    expect((await call('GET', `/backupPlans/${ids.plan}`, admin)).body.name).toBe('nightly')
    expect((await call('GET', `/restorePoints/${ids.point}`, admin)).body).toMatchObject({ held: false, item: 'db1' })
    const unknown = await call('GET', '/backupPlans/000000000000000000000000', bearer(theirs.token))
    const foreign = await call('GET', `/backupPlans/${ids.plan}`, bearer(theirs.token))
    expect(foreign.text.replace(ids.plan, 'ID')).toBe(unknown.text.replace('000000000000000000000000', 'ID'))
  })

  test('lets a viewer read and change nothing', async () => {
    const viewer = await makeToken({ role: 'viewer', serviceInstances: ['mine'] })
    for (const [operation, { status }] of await walk(bearer(viewer.token))) {
      const forAdmins = /tokens|brokerAccounts|broker-accounts|audit/.test(operation)
      expect([operation, status]).toEqual([operation, operation.startsWith('GET') && !forAdmins ? 200 : 403])
    }
  })

  test('is for admins where it is about access itself', async () => {
    const operator = await makeToken({ role: 'operator' })
    for (const path of [
      '/tokens',
      '/brokerAccounts',
      '/audit',
      '/v1/tokens',
      '/v1/broker-accounts',
      '/v1/audit-entries',
    ]) {
      expect((await call('GET', path, bearer(operator.token))).status).toBe(403)
    }
    expect((await call('PUT', '/serviceInstances/new', bearer(operator.token), instance)).status).toBe(403)
    expect((await call('GET', `/backupPlans/${ids.plan}`, bearer(operator.token))).status).toBe(200)
  })
})

test('a restore into an instance that was not granted is refused as if it were not there', async () => {
  const caller = await makeToken({ role: 'operator', serviceInstances: ['mine'] })
  const body = {
    backupJob: { id: ids.job },
    items: [{ item: 'db1' }],
    serviceInstance: { service_instance_id: 'theirs' },
  }
  expect((await call('POST', '/restore', bearer(caller.token), body)).status).toBe(404)
})

describe('accounts of brokers', () => {
  const basic = (password: string, name = 'broker-2') =>
    `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`

  test('deprovision, and do nothing else', async () => {
    const account = { password: 'a password of a broker', serviceInstances: ['theirs'] }
    expect((await call('PUT', '/brokerAccounts/broker-2', admin, account)).status).toBe(201)
    for (const { method, path, isOpen } of operations) {
      if (isOpen) continue
      const isDeprovision = method === 'DELETE' && path.includes('byInstance')
      const { status } = await call(
        method,
        path.replace('{instanceId}', 'theirs').replace('{id}', 'x').replace('{name}', 'x'),
        basic(account.password),
        method === 'GET' || method === 'DELETE' ? undefined : {},
      )
      expect([method, path, status]).toEqual([method, path, isDeprovision ? 204 : 403])
    }
    expect((await call('DELETE', '/backupPlans/byInstance/mine', basic(account.password))).status).toBe(404)
    expect((await call('GET', '/brokerAccounts', admin)).text).not.toContain('password')
    expect((await call('DELETE', '/brokerAccounts/broker-2', admin)).status).toBe(204)
    expect((await call('DELETE', '/backupPlans/byInstance/theirs', basic(account.password))).status).toBe(401)
  })

  test('that are being guessed at are rejected unchecked', async () => {
    const account = { password: 'a password of a broker', serviceInstances: 'all' }
    await call('PUT', '/brokerAccounts/guessed', admin, account)
    const path = '/backupPlans/byInstance/theirs'
    const guesses: number[] = []
    for (let guess = 0; guess < 12; guess++)
      guesses.push((await call('DELETE', path, basic(`guess ${guess}`, 'guessed'))).status)
    expect(guesses.slice(0, 9)).toEqual(Array(9).fill(401))
    expect(guesses.at(-1)).toBe(429)
    expect((await call('DELETE', path, basic(account.password, 'guessed'))).status).toBe(429)
    expect((await call('GET', '/tokens', admin)).status).toBe(200)
  })
})

test('the audit log says who did what to which instance, and nothing else changes it', async () => {
  const operator = await makeToken({ name: 'Ada', role: 'operator', serviceInstances: ['mine'] })
  await call('POST', '/backup', bearer(operator.token), { backupPlan: { id: ids.plan } })
  await expect
    .poll(async () => (await call('GET', '/audit?serviceInstance=mine&size=1', admin)).body.content[0])
    .toMatchObject({
      caller: { kind: 'token', id: operator.id, name: 'Ada' },
      address: '127.0.0.1',
      action: 'POST /backup',
      path: '/backup',
      status: 201,
      service_instance_id: 'mine',
    })
  const all = await call('GET', '/audit?size=2000', admin)
  expect(all.body.content.some((entry: { status: number }) => entry.status === 403)).toBe(true)
  expect(all.text).not.toContain(operator.token)
})
