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
