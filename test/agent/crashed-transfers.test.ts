import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  ListMultipartUploadsCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { openStore } from '@osb-backup/storage'
import { makeTemporaryFolder, SkewedClock } from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { s3Destination, swiftDestination } from '../fixtures/lab-stores.ts'
import { stallingProxy } from '../fixtures/stalling-proxy.ts'
import { SwiftAccount } from '../storage/swift-account.ts'
import { until } from './agent-under-test.ts'
import { CrashingAgent, notedScript, scriptsOf, untilDead } from './crashing-agent.ts'

const rounds = 2
const lab = inject('lab')
const bucket = `crash-${randomUUID()}`
const { endpoint, region, accessKeyId, secretAccessKey } = lab.s3
const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } })
const account = new SwiftAccount(lab.swift)
const container = `${bucket}-swift`
const s3Store = openStore({ type: 's3', endpoint, bucket, accessKeyId, secretAccessKey })
const swiftStore = openStore({ type: 'swift', ...lab.swift, container })
const megabytes = (count: number) => count * 1_000_000

const s3 = (through: string) => s3Destination(bucket, through)
const swift = swiftDestination(container)

const uploads = async () => {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
  return Uploads.map(({ Key }) => Key ?? '').toSorted()
}
const segments = () => account.list(`${container}_segments`)
const namesIn = (store: typeof s3Store) => Array.fromAsync(store.list(''), ({ name }) => name)
const database = { host: 'db-host', username: 'dba', password: 'db-password-2', database: 'db1' }
const backupTo = (destination: object, id = 'x') => ({
  id,
  encryption_key: 'none',
  destination: { ...destination, filenamePrefix: 'ü plan/' },
  backup: database,
})

beforeAll(async () => {
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  await account.makeContainer(container)
})
afterAll(async () => {
  for (const name of await namesIn(s3Store)) await s3Store.remove(name)
  for (const name of await namesIn(swiftStore)) await swiftStore.remove(name)
  await client.send(new DeleteBucketCommand({ Bucket: bucket }))
  await account.removeContainer(container)
})

/** Scripts whose dump is large, and in form 2 stays open after it. */
function largeDump(form: 1 | 2): Record<string, string> {
  const scripts = scriptsOf(form, form === 2 ? 'backup' : 'none')
  const body =
    form === 1
      ? 'mkdir -p "$BACKUP_DIRECTORY"; head -c 40000000 /dev/urandom > "$BACKUP_DIRECTORY/$5.bin"\n'
      : 'head -c 70000000 /dev/urandom\n'
  return { ...scripts, backup: notedScript('backup', body, form === 2) }
}

const round = Array.from({ length: rounds }, (_, index) => index)

test.each(round)('form 1: killed during the upload, no part and no object is left (%i)', async () => {
  const others = s3Store.put('ü plan/another', Readable.from([Buffer.alloc(1000)]))
  await others
  const proxy = await stallingProxy(endpoint, { up: megabytes(20) })
  const agent = await CrashingAgent.prepare(largeDump(1))
  await agent.start()
  await agent.call('POST', '/backup', backupTo(s3(proxy.endpoint)))
  await until(() => proxy.moved.up > megabytes(20), 'bytes move')
  await agent.kill()
  expect(await uploads()).toHaveLength(1)
  proxy.open()
  await agent.start()
  const job = await agent.over('backup', 'x')
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'upload', filename: '' })
  expect(job.error_message).toBe('agent was restarted during upload')
  expect(await uploads()).toEqual([])
  expect(await namesIn(s3Store)).toEqual(['ü plan/another'])
  expect([await agent.count('end backup-cleanup'), await agent.count('end post-backup-unlock')]).toEqual([1, 1])
})

test.each(round)('form 1: killed during the download, no part of the file is left (%i)', async () => {
  const name = 'ü plan/dump.bin'
  await s3Store.put(name, Readable.from([Buffer.alloc(megabytes(10))]))
  const proxy = await stallingProxy(endpoint, { down: megabytes(3) })
  const agent = await CrashingAgent.prepare(scriptsOf(1, 'none'))
  await agent.start()
  const destination = { ...s3(proxy.endpoint), filenamePrefix: 'ü plan/', filename: 'dump.bin' }
  const request = { id: 'x', encryption_key: 'none', destination, restore: database }
  await agent.call('PUT', '/restore', request)
  await until(() => agent.has('restores/x/dump.bin.partial'), 'bytes arrive')
  await until(() => proxy.moved.down > megabytes(3), 'the line is dead')
  await agent.kill()
  proxy.open()
  await agent.start()
  const job = await agent.over('restore', 'x')
  expect(job.error_message).toBe('agent was restarted during download')
  expect(await agent.files('restores')).toEqual([])
  expect([await agent.count('begin restore'), await agent.count('end post-restore-unlock')]).toEqual([0, 1])
  expect(await s3Store.head(name)).toMatchObject({ sizeBytes: megabytes(10) })
  // The same file can be restored at once, under another id.
  await agent.call('PUT', '/restore', { ...request, id: 'y' })
  expect(await agent.over('restore', 'y')).toMatchObject({ status: 'SUCCEEDED' })
  await s3Store.remove(name)
})

test.each([
  ['S3', 0, () => s3(endpoint), uploads, s3Store],
  ['SWIFT', 3600, () => swift, segments, swiftStore],
] as const)(
  'form 2: killed while a dump streams to %s, with its clock %i seconds ahead, nothing of it is left',
  async (_type, aheadSeconds, place, unfinished, store) => {
    await using folder = await makeTemporaryFolder()
    const clock = await SkewedClock.create(join(folder.path, 'clock'))
    await clock?.set(aheadSeconds)
    const before = await namesIn(store)
    const agent = await CrashingAgent.prepare(largeDump(2), clock?.environment)
    await agent.start()
    await agent.call('POST', '/backup', backupTo(place()))
    await until(() => agent.has('held'), 'the dump is written')
    await until(async () => (await unfinished()).length > 0, 'some of it is stored')
    const script = Number(await agent.read('held'))
    await agent.kill()
    expect((await unfinished()).length).toBeGreaterThan(0)
    await agent.start()
    expect((await agent.over('backup', 'x')).error_message).toBe('agent was restarted during backup')
    await untilDead([script])
    expect(await unfinished()).toEqual([])
    expect(await namesIn(store)).toEqual(before)
    // The name is free again.
    await agent.call('POST', '/backup', backupTo(place(), 'y'))
  },
)

test('another upload that has the name, and its object, are kept', async () => {
  const agent = await CrashingAgent.prepare(largeDump(2))
  await agent.start()
  await agent.call('POST', '/backup', backupTo(s3(endpoint)))
  await until(() => agent.has('held'), 'the dump is written')
  await until(async () => (await uploads()).length > 0, 'some of it is stored')
  const script = Number(await agent.read('held'))
  await agent.kill()
  const [Key = ''] = await uploads()
  const other = { Bucket: bucket, Key }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(other))
  await s3Store.put(Key, Readable.from([Buffer.alloc(1000)]))
  await agent.start()
  await agent.over('backup', 'x')
  await untilDead([script])
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
  expect(Uploads.map((each) => each.UploadId)).toEqual([UploadId])
  expect(await s3Store.head(Key)).toMatchObject({ sizeBytes: 1000 })
  await client.send(new AbortMultipartUploadCommand({ ...other, UploadId }))
  await s3Store.remove(Key)
})

test('a store that is unreachable at the restart does not keep the database locked, and is reported', async () => {
  const proxy = await stallingProxy(endpoint, { up: megabytes(20) })
  const agent = await CrashingAgent.prepare(largeDump(1))
  await agent.start()
  const destination = s3(proxy.endpoint)
  await agent.call('POST', '/backup', backupTo(destination))
  await until(() => proxy.moved.up > megabytes(20), 'bytes move')
  await agent.kill()
  const [name = ''] = await agent.journalFiles()
  await agent.rewrite(name, (text) => text.replaceAll(proxy.endpoint, 'http://127.0.0.1:1'))
  await agent.start()
  await until(async () => (await agent.count('end post-backup-unlock')) === 1, 'the database is unlocked')
  const job = await agent.over('backup', 'x')
  expect(job.error_message).toMatch(/^agent was restarted during upload\nThen: parts of .* may be left in s3:\/\//)
  const [key = 'none'] = await uploads()
  expect(job.error_message).toContain(key)

  await agent.kill()
  // The store's credentials are kept for as long as something is left there, the database's are not.
  expect(await agent.rewrite(name, (text) => text.replaceAll('http://127.0.0.1:1', endpoint))).toContain(
    secretAccessKey,
  )
  await agent.start()
  // The name stays taken until then, so that the removal cannot meet the object of a new job.
  await until(async () => (await uploads()).length === 0, 'what was left is removed')
  await until(async () => !(await agent.rewrite(name, (text) => text)).includes(secretAccessKey), 'the credentials go')
  const { error_message } = await agent.over('backup', 'x')
  expect(error_message).toBe('agent was restarted during upload')
})
