import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { openStore, removeExpected, type S3Settings, stores } from '@osb-backup/storage'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { startFaultsProxy } from '../../lab/faults/faults-proxy.ts'
import { generated, generatedSha256, sizeAndSha256 } from './generated.ts'
import { SwiftAccount } from './swift-account.ts'

const lab = inject('lab')
const account = new SwiftAccount(lab.swift)
const { endpoint, region, accessKeyId, secretAccessKey } = lab.s3
const client = new S3Client({ ...lab.s3, forcePathStyle: true, credentials: lab.s3 })
const bucket = `versions-${randomUUID()}`
const plain = `no-versions-${randomUUID()}`
const settings: S3Settings = {
  type: 's3',
  endpoint,
  region,
  bucket,
  accessKeyId,
  secretAccessKey,
  deleteVersions: true,
}
const store = openStore(settings, { retry: false })

beforeAll(async () => {
  for (const container of [bucket, plain]) await account.makeContainer(container)
  const versioning = { Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } } as const
  await client.send(new PutBucketVersioningCommand(versioning))
})
afterAll(async () => {
  const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }))
  for (const name of new Set(Versions.map(({ Key = '' }) => Key))) await store.remove(name)
  for (const container of [bucket, plain]) await account.removeContainer(container)
})

async function versionsOf(Prefix: string) {
  const { Versions = [], DeleteMarkers = [] } = await client.send(
    new ListObjectVersionsCommand({ Bucket: bucket, Prefix }),
  )
  return {
    sizes: Versions.map(({ Size = 0 }) => Size).sort((one, other) => one - other),
    markers: DeleteMarkers.length,
  }
}

async function stored(name: string, size: number, where = store) {
  await where.put(name, generated(size))
  return (await where.head(name)) ?? expect.fail(`${name} is not stored`)
}

const hide = (Key: string) => client.send(new DeleteObjectCommand({ Bucket: bucket, Key }))

test('an object goes with the versions before it, and the one that takes its name meanwhile is kept', async () => {
  const name = randomUUID()
  await stored(name, 10)
  await hide(name)
  await stored(name, 20)
  const compared = await stored(name, 30)
  await using proxy = await startFaultsProxy(endpoint)
  let newer: Promise<unknown> | undefined
  proxy.spoil(async ({ method }) => {
    if (method !== 'DELETE') return undefined
    newer ??= store.put(name, generated(40))
    await newer
    return undefined
  })
  const slow = openStore({ ...settings, endpoint: proxy.origin }, { retry: false })
  expect(await slow.removeIfSame(compared)).toBe(true)
  expect(newer).toBeDefined()
  expect(await versionsOf(name)).toEqual({ sizes: [40], markers: 0 })
  expect(await sizeAndSha256(await store.get(name))).toEqual({ sizeBytes: 40, sha256: generatedSha256(40) })
})

test('nothing is deleted of an object that was replaced between the comparison and the list of versions', async () => {
  const name = randomUUID()
  const compared = await stored(name, 30)
  await using proxy = await startFaultsProxy(endpoint)
  let newer: Promise<unknown> | undefined
  proxy.spoil(async ({ url }) => {
    if (!new URL(url, endpoint).searchParams.has('versions')) return undefined
    newer ??= store.put(name, generated(40))
    await newer
    return undefined
  })
  const slow = openStore({ ...settings, endpoint: proxy.origin }, { retry: false })
  expect(await slow.removeIfSame(compared)).toBe(false)
  expect(await versionsOf(name)).toEqual({ sizes: [30, 40], markers: 0 })
})

test('a removal that failed halfway leaves the object, and the next attempt finishes it', async () => {
  const name = randomUUID()
  await stored(name, 10)
  await stored(name, 20)
  const compared = await stored(name, 30)
  await using proxy = await startFaultsProxy(endpoint)
  let removals = 0
  proxy.spoil(({ method }) => (method === 'DELETE' && ++removals === 2 ? { kind: 'answer', status: 503 } : undefined))
  const failing = openStore({ ...settings, endpoint: proxy.origin }, { retry: false })
  await expect(failing.removeIfSame(compared)).rejects.toMatchObject({ code: 'temporary' })
  expect((await versionsOf(name)).sizes).toContain(30)
  expect(await store.head(name)).toEqual(expect.objectContaining({ sizeBytes: 30 }))
  expect(await failing.removeIfSame(compared)).toBe(true)
  expect(await versionsOf(name)).toEqual({ sizes: [], markers: 0 })
})

test('what a delete marker hides is deleted with the recorded object, and another object stays hidden', async () => {
  const never = async () => expect.fail('nothing has the name')
  const name = randomUUID()
  await stored(name, 10)
  const recorded = await stored(name, 30)
  await hide(name)
  expect(await removeExpected(store, name, never, { recorded })).toBe(true)
  expect(await versionsOf(name)).toEqual({ sizes: [], markers: 0 })

  const other = randomUUID()
  await stored(other, 50)
  await hide(other)
  expect(await removeExpected(store, other, never, { recorded: { ...recorded, name: other } })).toBe(false)
  expect(await versionsOf(other)).toEqual({ sizes: [50], markers: 1 })
})

test('a bucket without versions loses the object that was compared', async () => {
  const withoutVersions = openStore({ ...settings, bucket: plain }, { retry: false })
  const single = await stored('single', 10, withoutVersions)
  expect(await withoutVersions.removeIfSame(single)).toBe(true)
  expect(await withoutVersions.head('single')).toBeUndefined()
})

test('an upload whose id was lost is aborted, and others of its name only if they have no parts', async () => {
  const name = randomUUID()
  const object = { Bucket: plain, Key: name }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(object))
  await client.send(new UploadPartCommand({ ...object, UploadId, PartNumber: 1, Body: 'of another writer' }))
  await using proxy = await startFaultsProxy(endpoint)
  let lost = 0
  proxy.spoil(({ method, url }) =>
    method === 'POST' && url.includes('uploads') && lost++ === 0 ? { kind: 'lose', status: 503 } : undefined,
  )
  const tolerant = { retry: { outageMs: 60_000, firstDelayMs: 10 }, partSizeBytes: 5 * 1024 ** 2 }
  await openStore({ ...settings, bucket: plain, endpoint: proxy.origin }, tolerant).put(name, generated(6_000_000))
  const uploadsLeft = async () =>
    ((await client.send(new ListMultipartUploadsCommand({ Bucket: plain, Prefix: name }))).Uploads ?? []).map(
      (upload) => upload.UploadId,
    )
  expect(lost).toBeGreaterThan(1)
  expect(await uploadsLeft()).toEqual([UploadId])

  // Where the id was never recorded no parts can have been stored.
  const { UploadId: empty } = await client.send(new CreateMultipartUploadCommand(object))
  expect((await uploadsLeft()).sort()).toEqual([UploadId, empty].sort())
  await stores.removeIncompleteUpload({ ...settings, bucket: plain }, { name, since: new Date(0) })
  expect(await uploadsLeft()).toEqual([UploadId])
  await client.send(new AbortMultipartUploadCommand({ ...object, UploadId }))
  await openStore({ ...settings, bucket: plain }).remove(name)
})

test('a failed upload keeps an object of its size that another writer stored, and says so', async () => {
  const name = randomUUID()
  await using proxy = await startFaultsProxy(endpoint)
  const other = openStore({ ...settings, bucket: plain })
  let replaced: Promise<unknown> | undefined
  proxy.spoil(async ({ method, url }) => {
    if (method !== 'PUT' || !url.includes(name)) return undefined
    replaced ??= other.put(name, Readable.from([Buffer.alloc(1000, 7)]))
    await replaced
    return { kind: 'answer', status: 503 }
  })
  const recorder = { begun: async () => undefined, committing: async () => undefined }
  const failing = openStore({ ...settings, bucket: plain, endpoint: proxy.origin }, { retry: false })
  const failed = failing.put(name, generated(1000), { recorder })
  await expect(failed).rejects.toThrow(/is kept: its size is the one that was stored, but its tag is another/)
  expect(await other.head(name)).toMatchObject({ sizeBytes: 1000 })
  await other.remove(name)
})
