import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ApiError, BackupClient } from '@osb-backup/client'
import type { JobEvent } from '@osb-backup/protocol/v1'
import { type ManagerProcess, makeTemporaryFolder, startManagerProcess } from '@osb-backup/testkit'
import { expect, test } from 'vitest'
import { startFixture } from '../fixtures/fixture.ts'
import { registerInstance, unreachableAgent } from '../fixtures/register-instance.ts'

test('a refusal is an error with a message, a status, a code and a field', async () => {
  await using folder = await makeTemporaryFolder()
  const manager = await startManagerProcess({ DATA_DIR: folder.path })
  const { client, url } = manager
  const created = await client.tokens.create({ name: 'viewer', role: 'viewer', instances: ['one'] })
  const viewer = new BackupClient({ url, token: created.token })
  const refused = await viewer.restorePoints.list({ instance: 'two' }).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(ApiError)
  expect(refused).toMatchObject({ status: 404, code: 'not-found', message: 'There is no service instance "two".' })
  await expect(viewer.tokens.list()).rejects.toMatchObject({ status: 403, code: 'forbidden' })
  const wrong = client.tokens.create({ name: '', role: 'viewer', instances: 'all' })
  await expect(wrong).rejects.toMatchObject({ status: 400, code: 'invalid-request', field: 'name' })
  await client.tokens.delete(created.id)
  await expect(viewer.instances.list()).rejects.toMatchObject({ status: 401, code: 'unauthenticated' })
  const left = new AbortController()
  left.abort(new Error('left'))
  await expect(client.tokens.list({}, { signal: left.signal })).rejects.toThrow('left')
  await manager.stop()
  await expect(client.tokens.list()).rejects.toThrow(/does not answer/)
})

async function createPlan({ client }: ManagerProcess): Promise<string> {
  await registerInstance(client, 'one', unreachableAgent)
  const store = { kind: 's3', endpoint: 'http://127.0.0.1:9', bucket: 'b', authKey: 'k', authSecret: 's' } as const
  const { id: destinationId } = await client.destinations.create({ instanceId: 'one', name: 's3', store })
  const schedule = { cron: '0 0 2 * * *' }
  const plan = { instanceId: 'one', name: 'nightly', destinationId, schedule, items: ['db1'] }
  return (await client.plans.create({ ...plan, retention: { style: 'all' } })).id
}

test('a follower gets jobs as they change, also after the manager was away, until it leaves or may no longer listen', async () => {
  await using folder = await makeTemporaryFolder()
  const settings = { DATA_DIR: folder.path, AGENT_UNREACHABLE_SECONDS: '1' }
  let manager = await startManagerProcess(settings)
  const { port } = new URL(manager.url)
  const { client } = manager
  const planId = await createPlan(manager)
  const received: string[] = []
  const stop = new AbortController()
  const following = (async () => {
    for await (const followed of client.followEvents({ instance: 'one' }, { signal: stop.signal })) {
      const { type } = followed
      received.push(type === 'job' ? `${followed.event.jobId} ${followed.event.changed.state}` : type)
    }
  })()
  await expect.poll(() => received).toEqual(['connected'])
  const first = await client.plans.run(planId)
  await expect.poll(() => received).toContain(`${first.id} failed`)

  await manager.stop()
  manager = await startManagerProcess({ ...settings, PORT: port })
  await expect.poll(() => received.filter((each) => each === 'connected').length).toBe(2)
  const second = await client.plans.run(planId, { idempotencyKey: 'once' })
  expect((await client.plans.run(planId, { idempotencyKey: 'once' })).id).toBe(second.id)
  await expect.poll(() => received).toContain(`${second.id} failed`)
  stop.abort(new Error('enough'))
  await expect(following).rejects.toThrow('enough')

  for await (const event of client.followEvents()) {
    expect(event).toEqual({ type: 'connected' })
    break
  }
  const stranger = new BackupClient({ url: manager.url, token: 'osbb_of-nobody' })
  await expect(stranger.followEvents().next()).rejects.toMatchObject({ status: 401 })
  await manager.stop()
})

test('an event carries what changed and nothing else, however long the logs are, and only to whom it was granted', async () => {
  const items = Array.from({ length: 12 }, (_, index) => `db${index}`)
  await using fixture = await startFixture({ backup: 'seq 1 20000 >&2; echo content' })
  const { client, manager } = fixture
  const plan = await fixture.createPlan({ items })
  const { token } = await client.tokens.create({ name: 'other', role: 'viewer', instances: ['other'] })
  const events: JobEvent[] = []
  const stop = new AbortController()
  let connected = 0
  const follow = async (follower: BackupClient, into: JobEvent[]) => {
    for await (const followed of follower.followEvents({}, { signal: stop.signal })) {
      if (followed.type === 'connected') connected++
      if (followed.type === 'job') into.push(followed.event)
    }
  }
  const foreign: JobEvent[] = []
  const followers = [follow(client, events), follow(new BackupClient({ url: manager.url, token }), foreign)]
  for (const each of followers) each.catch(() => undefined)
  await expect.poll(() => connected).toBe(2)
  const job = await fixture.runPlan(plan.id)
  await expect.poll(() => events.at(-1)?.changed.state).toBe('succeeded')
  stop.abort(new Error('enough'))
  await Promise.allSettled(followers)
  expect(new Set(events.map(({ jobId, instanceId, planId }) => `${jobId} ${instanceId} ${planId}`))).toEqual(
    new Set([`${job.id} i ${plan.id}`]),
  )
  // Put together they say what became of every part.
  const states = new Map(events.flatMap(({ changed }) => changed.parts?.map((part) => [part.item, part.state]) ?? []))
  expect([...states.keys()].sort()).toEqual(items.toSorted())
  const bytes = events.reduce((sum, event) => sum + JSON.stringify(event).length, 0)
  expect(bytes).toBeLessThan(30_000)
  expect((await client.jobs.logs(job.id)).items.reduce((sum, { text }) => sum + text.length, 0)).toBeGreaterThan(
    300_000,
  )
  expect(foreign).toEqual([])
})

test('there is a method for every operation that the API describes, and each reads the example of its answer', async () => {
  await using folder = await makeTemporaryFolder()
  const manager = await startManagerProcess({ DATA_DIR: folder.path })
  const described = (await (await fetch(`${manager.url}/openapi.json`)).json()) as {
    paths: Record<
      string,
      Record<string, { responses: Record<string, { content?: Record<string, { example: unknown }> }> }>
    >
  }
  await manager.stop()
  const paths = Object.entries(described.paths).filter(([path]) => path.startsWith('/v1/'))
  const operations = paths.flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { responses }]) => ({
      name: `${method} ${path}`,
      matches: new RegExp(`^${method} ${path.replace(/\{\w+\}/g, '[^/]+')}(\\?|$)`),
      status: Number(Object.keys(responses)[0]),
      example: responses[Object.keys(responses)[0] ?? '']?.content?.['application/json']?.example,
    })),
  )
  const called = new Set<string>()
  // Answers each call as the document says; only that the caller fits it is tested.
  const server = createServer((request, response) => {
    request.resume()
    const call = `${request.method?.toLowerCase()} ${request.url}`
    const fitting = operations.filter(({ matches }) => matches.test(call))
    const operation = fitting.find(({ name }) => !name.endsWith('{id}')) ?? fitting[0]
    called.add(operation?.name ?? `nothing fits ${call}`)
    response.writeHead(operation?.status ?? 404, {
      'content-type': 'application/json',
      etag: '"1"',
      'content-range': 'bytes 0-0/1',
    })
    const { nextCursor: _, ...example } = (operation?.example ?? {}) as Record<string, unknown>
    response.end(operation?.example === undefined ? '' : JSON.stringify(example))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = new BackupClient({ url: `http://127.0.0.1:${port}`, token: 'osbb_x' })
  type Method = (...args: unknown[]) => Promise<unknown> | AsyncIterable<unknown>
  const resources = Object.values(client) as Record<string, Method>[]
  const methods = resources.flatMap((resource) => Object.entries(resource))
  for (const [name, method] of [...methods, ...Object.entries(client.plans.runs('id') as object)]) {
    if (name === 'runs') continue
    const answer = method('id', {})
    if (Symbol.asyncIterator in answer) await Array.fromAsync(answer as AsyncIterable<unknown>)
    else await expect(answer, name).resolves.toSatisfy(() => true)
  }
  await client.version()
  await client.caller()
  await client.overview()
  await client.signIn()
  await client.identityProvider()
  await client.limits()
  await client.managers()
  await client.clock()
  await client.confirmClock()
  server.close()
  // Events are followed above; agents call the others.
  const others = ['get /v1/events', 'post /v1/agent-certificates', 'post /v1/agent-certificates/renew']
  expect([...called, ...others].toSorted()).toEqual(operations.map(({ name }) => name).toSorted())
})
