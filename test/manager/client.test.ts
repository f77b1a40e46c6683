import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ApiError, BackupClient } from '@osb-backup/client/legacy'
import { makeTemporaryFolder, startManagerProcess } from '@osb-backup/testkit'
import { expect, test } from 'vitest'

test('the typed client makes tokens that open what they were granted, and says what was refused', async () => {
  await using folder = await makeTemporaryFolder()
  const manager = await startManagerProcess({ DATA_DIR: folder.path })
  const { client, url } = manager
  const made = await client.tokens.create({ name: 'viewer', role: 'viewer', serviceInstances: ['one'] })
  expect((await client.tokens.list()).map((token) => token.name)).toEqual(['first admin token', 'viewer'])
  const viewer = new BackupClient({ url, token: made.token })
  expect((await viewer.restorePoints.list('one', { item: 'db', size: 5 })).content).toEqual([])
  const refused = await viewer.restorePoints.list('two').catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(ApiError)
  expect(refused).toMatchObject({ status: 404, message: 'There is no service instance "two".' })
  await expect(viewer.tokens.list()).rejects.toMatchObject({ status: 403 })
  await client.tokens.revoke(made.id)
  await expect(viewer.serviceInstances.list()).rejects.toMatchObject({ status: 401 })

  await client.brokerAccounts.put('broker', { password: 'a long enough password', serviceInstances: 'all' })
  expect(await client.brokerAccounts.list()).toEqual([{ name: 'broker', serviceInstances: 'all' }])
  await client.brokerAccounts.remove('broker')
  await expect
    .poll(async () => (await client.audit.list({ size: 1 })).content[0]?.action)
    .toBe('DELETE /brokerAccounts/:name')
  await manager.stop()
  await expect(client.tokens.list()).rejects.toThrow(/does not answer/)
})

test('a follower hears of jobs as they change, also after the manager was away, until it leaves or may no longer listen', async () => {
  await using folder = await makeTemporaryFolder()
  const settings = { DATA_DIR: folder.path, AGENT_UNREACHABLE_SECONDS: '1' }
  let manager = await startManagerProcess(settings)
  const { port } = new URL(manager.url)
  const { client } = manager
  const serviceInstance = { service_instance_id: 'one' }
  await client.serviceInstances.put('one', {
    hosts: [{ ip: '10.0.0.5', port: 5432 }],
    agent: { url: 'http://127.0.0.1:9', username: 'agent', password: 'agent-secret' },
  })
  const destination = await client.fileDestinations.create({
    ...{ type: 'S3', name: 's3', endpoint: 'http://127.0.0.1:9', bucket: 'b', authKey: 'k', authSecret: 's' },
    serviceInstance,
  } as never)
  const plan = await client.backupPlans.create({
    name: 'nightly',
    serviceInstance,
    fileDestination: { id: destination.id },
    frequency: '0 0 2 * * *',
    retentionStyle: 'ALL',
    items: ['db1'],
  })
  const heard: string[] = []
  const stop = new AbortController()
  const following = (async () => {
    for await (const event of client.jobs.follow({ serviceInstance: 'one', signal: stop.signal })) {
      heard.push(event.type === 'job' ? `${event.job.id} ${event.job.status}` : event.type)
    }
  })()
  await expect.poll(() => heard).toEqual(['connected'])
  const first = await client.jobs.startBackup(plan.id)
  await expect.poll(() => heard).toContain(`${first.id} FAILED`)

  await manager.stop()
  manager = await startManagerProcess({ ...settings, PORT: port })
  await expect.poll(() => heard.filter((each) => each === 'connected').length).toBe(2)
  const second = await client.jobs.startBackup(plan.id, { idempotencyKey: 'once' })
  expect((await client.jobs.startBackup(plan.id, { idempotencyKey: 'once' })).id).toBe(second.id)
  await expect.poll(() => heard).toContain(`${second.id} FAILED`)
  stop.abort(new Error('enough'))
  await expect(following).rejects.toThrow('enough')

  for await (const event of client.jobs.follow()) {
    expect(event).toEqual({ type: 'connected' })
    break
  }
  const stranger = new BackupClient({ url: manager.url, token: 'osbb_of-nobody' })
  await expect(stranger.jobs.follow().next()).rejects.toMatchObject({ status: 401 })
  await manager.stop()
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
  const operations = Object.entries(described.paths).flatMap(([path, methods]) =>
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
    response.writeHead(operation?.status ?? 404, { 'content-type': 'application/json', etag: '"1"' })
    response.end(operation?.example === undefined ? '' : JSON.stringify(operation.example))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = new BackupClient({ url: `http://127.0.0.1:${port}`, token: 'osbb_x' })
  type Method = (...args: unknown[]) => Promise<unknown>
  const terms = Object.values(client) as Record<string, Method>[]
  for (const [name, method] of terms.flatMap((term) => Object.entries(term))) {
    if (name === 'follow') continue
    await expect(method('id', {}), name).resolves.toSatisfy(() => true)
  }
  await client.jobs.listBackups('id', { status: 'FAILED' })
  await client.checkHealth()
  server.close()
  // The first is the same as another; the second is called for jobs of the other kind; the third is followed above.
  const others = ['get /backupJobs/{id}', 'post /restoreJobs/{id}/cancel', 'get /events']
  expect([...called, ...others].toSorted()).toEqual(operations.map(({ name }) => name).toSorted())
})

test('an edit of a version that is no longer there is refused', async () => {
  await using folder = await makeTemporaryFolder()
  const manager = await startManagerProcess({ DATA_DIR: folder.path })
  const { client } = manager
  const instance = {
    hosts: [{ ip: '10.0.0.5', port: 5432 }],
    agent: { url: 'http://127.0.0.1:9', username: 'agent', password: 'agent-secret' },
  }
  await client.serviceInstances.put('one', instance)
  const { value, version } = await client.serviceInstances.getVersioned('one')
  expect(value.service_instance_id).toBe('one')
  await client.serviceInstances.put('one', instance, { version })
  await expect(client.serviceInstances.put('one', instance, { version })).rejects.toMatchObject({ status: 412 })
  await manager.stop()
})
