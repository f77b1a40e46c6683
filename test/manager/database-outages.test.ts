import { join } from 'node:path'
import {
  FaultProxy,
  type ManagerProcess,
  makeTemporaryFolder,
  startManagerProcess,
  TEST_TOKEN,
} from '@osb-backup/testkit'
import { expect, test } from 'vitest'
import { startFixture } from '../fixtures/fixture.ts'
import { makeDatabase, type OwnDatabase } from './own-database.ts'

const SECRET_KEY = 'a'.repeat(64)

/** One address of a database, of which a test may do what a network does. */
async function proxyTo(database: OwnDatabase) {
  const url = new URL(database.url)
  const proxy = await FaultProxy.start({ host: url.hostname, port: Number(url.port) })
  url.hostname = '127.0.0.1'
  url.port = String(proxy.port)
  return Object.assign(proxy, { url: url.href })
}

const startManager = (folder: string, name: string, DATABASE_URL: string) =>
  startManagerProcess({ DATA_DIR: join(folder, name), DATABASE_URL, SECRET_KEY })

function request({ url }: ManagerProcess, method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(url + path, {
    method,
    headers: {
      authorization: `Bearer ${TEST_TOKEN}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? null : JSON.stringify(body),
  })
}

const requests = [
  ['GET', '/v1/jobs'],
  ['GET', '/v1/overview'],
  ['GET', '/v1/events'],
  ['POST', '/v1/agents', { url: 'http://127.0.0.1:9', username: 'agent', password: 'agent-secret' }],
  ['GET', '/backupPlans/byInstance/i'],
  ['GET', '/events'],
  ['DELETE', '/backupJobs/byInstance/i'],
] as const

test.for(['silence', 'reset'] as const)(
  'while its database is away (%s) a manager lives, is not ready, ends event streams and answers 503; then it recovers',
  async (kind) => {
    await using folder = await makeTemporaryFolder()
    await using database = await makeDatabase()
    await using proxy = await proxyTo(database)
    const manager = await startManager(folder.path, 'manager', proxy.url)
    const ready = async () => {
      const response = await request(manager, 'GET', '/ready')
      return { status: response.status, ...((await response.json()) as object) }
    }
    expect(await ready()).toEqual({ status: 200, ready: true })
    const stream = await request(manager, 'GET', '/v1/events')
    const streamEnded = stream.text()

    const heal = proxy.inject({ kind })
    const answers = await Promise.all(
      requests.map(async ([method, path, body]) => {
        const response = await request(manager, method, path, body)
        const { code } = (await response.json()) as { code?: string }
        return [path, response.status, response.headers.get('retry-after'), code]
      }),
    )
    expect(answers).toEqual(
      requests.map(([, path]) => [path, 503, '5', path.startsWith('/v1/') ? 'unavailable' : undefined]),
    )
    expect((await request(manager, 'GET', '/health')).status).toBe(200)
    expect(await ready()).toMatchObject({
      status: 503,
      detail: 'This manager is not ready: its database is unreachable.',
    })
    await streamEnded
    expect((await request(manager, 'GET', '/v1/events')).status).toBe(503)

    heal()
    await expect.poll(ready).toMatchObject({ status: 200, ready: true })
    expect((await request(manager, 'GET', '/v1/jobs')).status).toBe(200)
    await manager.stop()
  },
)

test('a manager whose database does not answer is stopped within its limit, and says so', async () => {
  await using folder = await makeTemporaryFolder()
  await using database = await makeDatabase()
  await using proxy = await proxyTo(database)
  const settings = { DATA_DIR: folder.path, DATABASE_URL: proxy.url, SECRET_KEY, SHUTDOWN_TIMEOUT_SECONDS: '1' }
  const manager = await startManagerProcess(settings)
  proxy.inject({ kind: 'silence' })
  process.kill(manager.pid, 'SIGTERM')
  expect(await manager.ended()).toBe(1)
  expect(manager.output()).toContain(
    'Not stopped within SHUTDOWN_TIMEOUT_SECONDS (1 seconds): exiting nevertheless. Jobs continue at their agents.\n',
  )
})

/** A busy manager would be within a transaction for a moment only: its database answers slowly. */
const SLOW = { kind: 'delay', delayMs: 150 } as const
/** Long before a limit of a minute would end the transaction. */
const PROMPTLY = { timeout: 30_000 }

test.for([
  ['claims jobs', 'pg_try_advisory_xact_lock'],
  ['begins a part', 'for update'],
])('a manager that is suspended while it %s does not stop the jobs and cancels of others', async ([, statement]) => {
  await using folder = await makeTemporaryFolder()
  await using database = await makeDatabase()
  await using proxy = await proxyTo(database)
  const settings = { DATABASE_URL: proxy.url, SECRET_KEY }
  await using fixture = await startFixture(
    { backup: 'while [ "$BACKUP_DATABASE" = first ]; do sleep 0.2; done; echo content' },
    settings,
  )
  const [first, second] = [
    await fixture.createPlan({ items: ['first'] }),
    await fixture.createPlan({ items: ['second'] }),
  ]
  const isWithin = async () => {
    const [row] = await database.query<{ within: boolean }>(
      `select exists (select from pg_stat_activity where datname = current_database() and application_name = 'osb-backup-manager'
         and state = 'idle in transaction' and query ilike $1) as within`,
      [`%${statement}%`],
    )
    return row?.within === true
  }
  const { pid } = fixture.manager
  const suspend = async () => {
    if (!(await isWithin())) return false
    process.kill(pid, 'SIGSTOP')
    if (await isWithin()) return true
    process.kill(pid, 'SIGCONT')
    return false
  }
  const other = await startManager(folder.path, 'other', database.url)
  const { client } = other
  process.kill(other.pid, 'SIGSTOP')
  const heal = proxy.inject(SLOW)
  const job = await fixture.client.plans.run(first.id)
  try {
    await expect.poll(suspend, { interval: 5 }).toBe(true)
    process.kill(other.pid, 'SIGCONT')
    const { id } = await client.plans.run(second.id)
    await expect.poll(async () => (await client.jobs.get(id)).state, PROMPTLY).toBe('succeeded')
    expect((await client.jobs.cancel(job.id)).cancellation).toBeDefined()
  } finally {
    heal()
    process.kill(pid, 'SIGCONT')
  }
  await other.stop()
})
