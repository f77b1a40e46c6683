import { randomUUID } from 'node:crypto'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { openStore, type StoreSettings } from '@osb-backup/storage'
import { type ManagerProcess, makeTemporaryFolder, startManagerProcess } from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { cephUp } from '../../lab/index.ts'
import { SwiftAccount } from '../storage/swift-account.ts'
import { dropDatabase, fillDatabase, fingerprintOf, recreateDatabase } from './databases.ts'
import { errorsOf, makePlan, registerInstance, restoreAll, runBackup, startAgentWith } from './fixture.ts'
import type { DestinationFields } from './places.ts'

/** Enough for a dump of several parts. */
const ROWS = 100_000
const item = 'main-job-ceph'
const restored = `${item} restored`
const { postgresql: server } = inject('lab')
const { s3, swift } = await cephUp()
const place = `main-job-${randomUUID()}`

const s3Place: { destination: DestinationFields; store: StoreSettings } = {
  destination: {
    name: 's3',
    store: {
      kind: 's3',
      endpoint: s3.endpoint,
      region: s3.region,
      bucket: place,
      authKey: s3.accessKeyId,
      authSecret: s3.secretAccessKey,
      serverSideEncryption: 'aws:kms',
      kmsKeyId: s3.kmsKeyId,
    },
  },
  store: { type: 's3', ...s3, bucket: place },
}
const swiftPlace: typeof s3Place = {
  destination: { name: 'swift', store: { kind: 'swift', ...swift, container: `${place}-swift` } },
  store: { type: 'swift', ...swift, domain: '', projectName: '', container: `${place}-swift` },
}

let stack: AsyncDisposableStack
let manager: ManagerProcess

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  const client = new S3Client({ ...s3, forcePathStyle: true, credentials: s3 })
  await client.send(new CreateBucketCommand({ Bucket: place }))
  await new SwiftAccount(swift).makeContainer(`${place}-swift`)
  await recreateDatabase(server.url, item)
  await fillDatabase(server.url, item, ROWS)
  const data = stack.use(await makeTemporaryFolder())
  const agent = stack.use(await startAgentWith('postgresql', { compression_level: '1' }))
  manager = await startManagerProcess({ DATA_DIR: data.path })
  stack.defer(() => manager.stop())
  await registerInstance(manager.client, 'source', server, agent)
})

afterAll(async () => {
  await dropDatabase(server.url, item)
  await dropDatabase(server.url, restored)
  await stack.disposeAsync()
})

test.each([s3Place, swiftPlace])('$destination.name of Ceph: check, backup, restore, retention', async (where) => {
  const { destination, store } = where
  const settings = { instanceId: 'source', ...destination }
  expect(await manager.client.destinations.checkSettings(settings)).toMatchObject({ usable: true })
  expect(await Array.fromAsync(openStore(store).list(''))).toEqual([])

  const retention = { style: 'count', period: 1 } as const
  const plan = await makePlan(manager.client, 'source', [item], destination, { retention })
  const first = await runBackup(manager.client, plan)
  expect(errorsOf(first)).toEqual({ [item]: undefined })
  await recreateDatabase(server.url, restored)
  const restores = await restoreAll(manager.client, first.id, { nameOf: () => restored })
  expect(restores.map(errorsOf)).toEqual([{ [item]: undefined }])
  expect(await fingerprintOf(server.url, restored)).toEqual(await fingerprintOf(server.url, item))

  const second = await runBackup(manager.client, plan)
  expect(errorsOf(second)).toEqual({ [item]: undefined })
  const [{ objectName = '', sizeBytes = 0 } = {}] = second.parts
  expect(sizeBytes).toBeGreaterThan(5 * 1024 * 1024)
  const stored = async () => (await Array.fromAsync(openStore(store).list(`${plan.id}/`))).map(({ name }) => name)
  await expect.poll(stored).toEqual([objectName, `${objectName}.manifest.json`])
})
