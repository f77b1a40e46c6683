import { ApiError, BackupClient } from '@osb-backup/client'
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
  await expect.poll(() => heard, { timeout: 20_000 }).toContain(`${first.id} FAILED`)

  await manager.stop()
  manager = await startManagerProcess({ ...settings, PORT: port })
  await expect.poll(() => heard.filter((each) => each === 'connected').length, { timeout: 40_000 }).toBe(2)
  const second = await client.jobs.startBackup(plan.id)
  await expect.poll(() => heard, { timeout: 20_000 }).toContain(`${second.id} FAILED`)
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
