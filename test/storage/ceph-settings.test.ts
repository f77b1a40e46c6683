import { randomUUID } from 'node:crypto'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { isSameObject, openStore, type S3Settings } from '@osb-backup/storage'
import { beforeAll, describe, expect, test } from 'vitest'
import { startFaultsProxy } from '../../lab/faults/faults-proxy.ts'
import { cephUp } from '../../lab/index.ts'
import { generated, generatedSha256, sizeAndSha256 } from './generated.ts'

const mebibyte = 1024 * 1024
const { kmsKeyId, ...s3 } = (await cephUp()).s3
const client = new S3Client({ ...s3, forcePathStyle: true, credentials: s3 })
const bucket = `settings-${randomUUID()}`
const settings: S3Settings = { type: 's3', ...s3, bucket }

beforeAll(async () => {
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
})

async function roundTrip(fields: Partial<S3Settings>, size: number, inspect?: (name: string) => Promise<void>) {
  const store = openStore({ ...settings, ...fields }, { retry: false })
  const name = randomUUID()
  await store.put(name, generated(size), { mustBeNew: true })
  await inspect?.(name)
  expect(await sizeAndSha256(await store.get(name))).toEqual({ sizeBytes: size, sha256: generatedSha256(size) })
  await store.remove(name)
}

describe.each([1000, 11 * mebibyte])('an object of %i bytes', (size) => {
  test('is encrypted with a key of the KMS', () =>
    roundTrip({ serverSideEncryption: 'aws:kms', kmsKeyId }, size, async (name) => {
      const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: name }))
      expect(head).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kmsKeyId })
    }))

  test('is not stored where the store ignores that it is to be encrypted', async () => {
    const store = openStore({ ...settings, serverSideEncryption: 'AES256' }, { retry: false })
    const name = randomUUID()
    await expect(store.put(name, generated(size))).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringContaining('did not encrypt it as set (AES256)'),
    })
    expect(await store.head(name)).toBeUndefined()
  })

  test('has the storage class of the settings, and one that the store does not have is refused', async () => {
    await roundTrip({ storageClass: 'STANDARD' }, size)
    const store = openStore({ ...settings, storageClass: 'NO_SUCH_CLASS' }, { retry: false })
    await expect(store.put(randomUUID(), generated(size))).rejects.toMatchObject({ code: 'misconfigured' })
  })

  test('leaves nothing in a bucket with versions if all are to be deleted, and a version otherwise', async () => {
    const versioned = `versions-${randomUUID()}`
    await client.send(new CreateBucketCommand({ Bucket: versioned }))
    await client.send(
      new PutBucketVersioningCommand({ Bucket: versioned, VersioningConfiguration: { Status: 'Enabled' } }),
    )
    await roundTrip({ bucket: versioned, deleteVersions: true }, size)
    const list = new ListObjectVersionsCommand({ Bucket: versioned })
    const { Versions = [], DeleteMarkers = [] } = await client.send(list)
    expect([...Versions, ...DeleteMarkers]).toEqual([])
    await roundTrip({ bucket: versioned }, size)
    expect(await client.send(list)).toMatchObject({ Versions: [{ Size: size }], DeleteMarkers: [{ IsLatest: true }] })
  })
})

test('a bucket whose versioning was suspended loses the object that was compared, and the versions before it', async () => {
  const suspended = `suspended-${randomUUID()}`
  await client.send(new CreateBucketCommand({ Bucket: suspended }))
  const setVersioning = (Status: 'Enabled' | 'Suspended') =>
    client.send(new PutBucketVersioningCommand({ Bucket: suspended, VersioningConfiguration: { Status } }))
  await setVersioning('Enabled')
  const store = openStore({ ...settings, bucket: suspended, deleteVersions: true }, { retry: false })
  await store.put('object', generated(10))
  await setVersioning('Suspended')
  await store.put('object', generated(20))
  const found = (await store.head('object')) ?? expect.fail('the object is not stored')
  expect(await store.removeIfSame(found)).toBe(true)
  expect(await store.head('object')).toBeUndefined()
  const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: suspended }))
  expect(Versions).toEqual([])
})

test('a locked object is kept, and the error says until when', async () => {
  const locked = `locked-${randomUUID()}`
  await client.send(new CreateBucketCommand({ Bucket: locked, ObjectLockEnabledForBucket: true }))
  const rule = { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } } as const
  const configuration = { ObjectLockEnabled: 'Enabled', Rule: rule } as const
  await client.send(new PutObjectLockConfigurationCommand({ Bucket: locked, ObjectLockConfiguration: configuration }))
  const store = openStore({ ...settings, bucket: locked, deleteVersions: true }, { retry: false })
  await store.put('locked', generated(10))
  const found = await store.head('locked')
  if (found === undefined) throw new Error('the object is not stored')
  await expect(store.removeIfSame(found)).rejects.toMatchObject({
    code: 'locked',
    message: expect.stringMatching(/its object lock lasts until \d{4}-\d\d-\d\dT/),
    lockedUntil: expect.any(Date),
  })
  const left = await store.head('locked')
  expect(left && isSameObject(left, found)).toBe(true)
  const version = (await client.send(new ListObjectVersionsCommand({ Bucket: locked }))).Versions?.[0]?.VersionId
  const bypass = { Bucket: locked, Key: 'locked', VersionId: version, BypassGovernanceRetention: true }
  await client.send(new DeleteObjectCommand(bypass))
})

// Stand-ins: the proxy gives answers that Ceph does not give.
describe('an answer of something that is not the store', () => {
  const page = '<html><body>404 Not Found</body></html>'

  test.each([
    ['a page', 'text/html', page],
    [
      "another vendor's error",
      'application/xml',
      '<?xml version="1.0"?><ErrorResponse><code>404</code></ErrorResponse>',
    ],
    ['nothing', 'text/plain', ''],
  ])('%s with 404 means neither that an object is missing nor that it was removed', async (_, type, body) => {
    await using proxy = await startFaultsProxy(s3.endpoint)
    const store = openStore({ ...settings, endpoint: proxy.origin }, { retry: false })
    await store.put('kept', generated(10))
    const answer = { kind: 'answer', status: 404, headers: { 'content-type': type }, body } as const
    proxy.spoil(() => answer)
    const temporary = { code: 'temporary', message: expect.stringContaining('perhaps a proxy') }
    await expect(store.head('kept')).rejects.toMatchObject(temporary)
    await expect(store.get('kept')).rejects.toMatchObject(temporary)
    await expect(store.remove('kept')).rejects.toMatchObject(temporary)
    // What is left of an upload is looked for until the store answers.
    proxy.spoil(({ method }) => (method === 'PUT' ? answer : undefined))
    await expect(store.put('new', generated(10))).rejects.toMatchObject(temporary)
    proxy.heal()
    expect(await store.head('kept')).toMatchObject({ sizeBytes: 10 })
    await store.remove('kept')
  })

  test.each([
    { what: 'If-None-Match on PutObject', size: 1000, isRefused: (method: string) => method === 'PUT' },
    {
      what: 'If-None-Match on Complete',
      size: 11 * mebibyte,
      isRefused: (method: string, url: string) => method === 'POST' && url.includes('uploadId'),
    },
  ])('a header that is refused is left out from then on: $what', async ({ size, isRefused }) => {
    for (const status of [400, 501]) {
      await using proxy = await startFaultsProxy(s3.endpoint)
      let refusals = 0
      const body = '<?xml version="1.0"?><Error><Code>UnsupportedHeader</Code></Error>'
      proxy.spoil(({ method, url }) => {
        if (!isRefused(method, url) || refusals > 0) return undefined
        refusals++
        return { kind: 'answer', status, headers: { 'content-type': 'application/xml' }, body }
      })
      const store = openStore({ ...settings, endpoint: proxy.origin }, { retry: false })
      const name = randomUUID()
      await store.put(name, generated(size), { mustBeNew: true })
      // Now without the condition: the name is looked up instead.
      const again = store.put(name, generated(size), { mustBeNew: true })
      await expect(again).rejects.toMatchObject({ code: 'exists' })
      expect(refusals).toBe(1)
      expect(await sizeAndSha256(await store.get(name))).toEqual({ sizeBytes: size, sha256: generatedSha256(size) })
      await store.remove(name)
    }
  })
})
