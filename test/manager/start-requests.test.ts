import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'
import { databaseScripts, HeldDatabases } from '../fixtures/held-databases.ts'
import { makeDatabase, type OwnDatabase } from './own-database.ts'

/** A request to start a job, as it reached the proxy. */
interface StartRequest {
  path: string
  headers: Record<string, string>
  body: string
}

let stack: AsyncDisposableStack
let database: OwnDatabase
let fixture: Fixture
let databases: HeldDatabases
/** What the proxy between manager and agent does with a request to start a job. */
let onStart: 'pass' | 'lose' | 'refuse' = 'pass'
const starts: StartRequest[] = []

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  database = stack.use(await makeDatabase())
  fixture = stack.use(
    await startFixture(databaseScripts, { DATABASE_URL: database.url, AGENT_UNREACHABLE_SECONDS: '6' }),
  )
  databases = new HeldDatabases(fixture.folder)
  const proxy = createServer((request, response) => void relay(request, response)).listen(0, '127.0.0.1')
  stack.defer(() => {
    proxy.closeAllConnections()
    proxy.close()
  })
  await new Promise((resolve) => proxy.once('listening', resolve))
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  const { password } = fixture.agent
  expect((await fixture.call('PATCH', `/v1/agents/${fixture.agentId}`, { url, password })).status).toBe(200)
})
afterAll(() => stack.disposeAsync())

async function relay(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = 'GET', url: path = '/' } = request
  const headers = { authorization: request.headers.authorization ?? '' }
  const body = await text(request)
  if (method === 'POST') {
    starts.push({ path, headers, body })
    if (onStart === 'lose') return void request.socket.destroy()
    if (onStart === 'refuse') return void response.writeHead(503).end('{"message": "later", "code": "recovering"}')
  }
  const answer = await deliver({ method, path, headers, body })
  response.writeHead(answer.status).end(await answer.text())
}

const deliver = ({ method = 'POST', path, headers, body }: StartRequest & { method?: string }) =>
  fetch(fixture.agent.url + path, { method, headers, ...(body === '' ? {} : { body }) })

/** Runs a plan of a database of its own, and waits for a request to start it. */
async function startJob(name: string, starting: typeof onStart): Promise<{ jobId: string; planId: string }> {
  await databases.create(name)
  const plan = await fixture.createPlan({ items: [name] })
  starts.length = 0
  onStart = starting
  const { id: jobId } = await fixture.client.plans.run(plan.id)
  await expect.poll(() => starts.length).toBeGreaterThan(0)
  return { jobId, planId: plan.id }
}

test('a request that the network delivers after its job was cancelled starts nothing', async () => {
  const { jobId } = await startJob('cancelled', 'lose')
  await fixture.client.jobs.cancel(jobId)
  expect((await fixture.waitForJob(jobId)).state).toBe('cancelled')
  for (const late of starts) expect((await deliver(late)).status).toBe(410)
  expect(await databases.log('cancelled')).toEqual([])
})

test('a part of unknown outcome that never reached its agent fails for a transient reason, and starts no more', async () => {
  const { jobId } = await startJob('lost', 'lose')
  await expect.poll(async () => (await fixture.client.jobs.get(jobId)).state).toBe('unknown')
  expect(await fixture.waitForJob(jobId)).toMatchObject({
    state: 'failed',
    parts: [{ failureCode: 'agent-unreachable', error: expect.stringContaining('did not get the request') }],
  })
  for (const late of starts) expect((await deliver(late)).status).toBe(410)
  expect(await databases.log('lost')).toEqual([])
})

test('a part that its agent did not accept before the manager was restarted is not of unknown outcome', async () => {
  const { jobId } = await startJob('refused', 'refuse')
  await fixture.restartManager({ AGENT_BUSY_SECONDS: '1' })
  expect(await fixture.waitForJob(jobId)).toMatchObject({
    state: 'failed',
    parts: [{ failureCode: 'agent-busy', error: expect.stringContaining('later') }],
  })
})

test('a part that has reserved a database works on that one, whatever is registered by then', async () => {
  await fixture.restartManager()
  const { jobId } = await startJob('moved', 'refuse')
  const hosts = [{ address: '10.0.0.6', port: 5433 }]
  const { etag } = Object.fromEntries((await fixture.call('GET', `/v1/instances/${instanceId}`)).headers)
  const moved = await fixture.call('PATCH', `/v1/instances/${instanceId}`, { hosts }, { 'if-match': etag ?? '' })
  expect(moved.status).toBe(200)
  await fixture.restartManager()
  onStart = 'pass'
  expect((await fixture.waitForJob(jobId)).state).toBe('succeeded')
  expect(JSON.parse(starts.at(-1)?.body ?? '')).toMatchObject({ backup: { host: '10.0.0.5', port: 5432 } })
})
