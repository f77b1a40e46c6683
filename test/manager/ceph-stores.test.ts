import { randomUUID } from 'node:crypto'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import type { DestinationCreate } from '@osb-backup/protocol/v1'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FaultsProxy, startFaultsProxy } from '../../lab/faults/faults-proxy.ts'
import { cephUp } from '../../lab/index.ts'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'

const { s3 } = await cephUp()
const client = new S3Client({ ...s3, forcePathStyle: true, credentials: s3 })
let fixture: Fixture
let proxy: FaultsProxy

beforeAll(async () => {
  // The programs find the key in their environment, which their operators allow them to use.
  const key = { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey }
  fixture = await startFixture(
    {},
    { ...key, AMBIENT_CREDENTIALS: 'environment', RETENTION_CHANGE_GRACE_HOURS: '0' },
    { ...key, ambient_credentials: 'environment' },
  )
  proxy = await startFaultsProxy(s3.endpoint)
})
afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  await fixture[Symbol.asyncDispose]()
})

type S3Store = Extract<DestinationCreate['store'], { kind: 's3' }>

/** A plan that keeps one restore point, in a bucket of its own. */
async function createPlan(bucket: string, fields: Partial<S3Store> = {}) {
  const where = { endpoint: proxy.origin, region: s3.region, bucket }
  const destination = { instanceId, name: bucket, store: { kind: 's3', ...where, ...fields } } as DestinationCreate
  const { id: destinationId } = await fixture.client.destinations.create(destination)
  const { id } = await fixture.createPlan({ destinationId, retention: { style: 'count', period: 1 } })
  return { id, destinationId }
}

const withKey = { authKey: s3.accessKeyId, authSecret: s3.secretAccessKey }

async function reconcile(destinationId: string) {
  const { id } = await fixture.client.destinations.reconcile(destinationId)
  const signal = AbortSignal.timeout(60_000)
  const { state, error, findings } = await fixture.client.reconciliations.wait(id, { signal })
  expect([state, error]).toEqual(['succeeded', undefined])
  return findings
}

test('reconciling counts what deleted objects left in a bucket with versions, and says what is not listed', async () => {
  const bucket = `versions-${randomUUID()}`
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  const versioning = { Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } } as const
  await client.send(new PutBucketVersioningCommand(versioning))
  const plan = await createPlan(bucket, { credentialsFrom: 'environment' })
  expect((await fixture.runPlan(plan.id)).state).toBe('succeeded')
  const nothing = { hiddenVersionCount: 0, hiddenVersionBytes: 0, deleteMarkerCount: 0, notListed: [] }
  expect(await reconcile(plan.destinationId)).toMatchObject({ objectCount: 1, ...nothing })

  expect((await fixture.runPlan(plan.id)).state).toBe('succeeded')
  await expect.poll(async () => (await fixture.pointsOf(plan.id)).length, { timeout: 60_000 }).toBe(1)
  const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }))
  const hidden = Versions.filter(({ IsLatest }) => !IsLatest)
  // The first dump and its manifest.
  expect(hidden).toHaveLength(2)
  const hiddenVersionBytes = hidden.reduce((sum, { Size = 0 }) => sum + Size, 0)
  const counted = { hiddenVersionCount: 2, hiddenVersionBytes, deleteMarkerCount: 2, orphanCount: 0, missingCount: 0 }
  expect(await reconcile(plan.destinationId)).toMatchObject({ ...counted, objectCount: 1, notListed: [] })

  // Stand-ins: Ceph has both requests, and allows them.
  proxy.spoil(({ url }) => {
    const { searchParams } = new URL(url, proxy.origin)
    const [status, code] = searchParams.has('uploads') ? [501, 'NotImplemented'] : [403, 'AccessDenied']
    if (!searchParams.has('uploads') && !searchParams.has('versions')) return undefined
    const headers = { 'content-type': 'application/xml', 'x-amz-request-id': '1' }
    return { kind: 'answer', status, headers, body: `<?xml version="1.0"?><Error><Code>${code}</Code></Error>` }
  })
  const limited = await reconcile(plan.destinationId)
  proxy.heal()
  expect(limited).toMatchObject({ objectCount: 1, orphanCount: 0, missingCount: 0 })
  expect(limited?.notListed).toEqual([
    { what: 'incompleteUploads', problem: expect.stringMatching(/does not support that/) },
    { what: 'hiddenVersions', problem: expect.stringMatching(/do not allow this/) },
  ])
})

test('retention waits for an object lock, and shows until when', async () => {
  const bucket = `locked-${randomUUID()}`
  await client.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true }))
  const rule = { DefaultRetention: { Mode: 'GOVERNANCE', Days: 2 } } as const
  const configuration = { ObjectLockEnabled: 'Enabled', Rule: rule } as const
  await client.send(new PutObjectLockConfigurationCommand({ Bucket: bucket, ObjectLockConfiguration: configuration }))
  const plan = await createPlan(bucket, { ...withKey, deleteVersions: true })
  const first = await fixture.runPlan(plan.id)
  const second = await fixture.runPlan(plan.id)
  expect([first.state, second.state]).toEqual(['succeeded', 'succeeded'])

  const locked = async () => (await fixture.pointsOf(plan.id)).find(({ jobId }) => jobId === first.id)
  await expect.poll(async () => (await locked())?.deletion?.error, { timeout: 60_000 }).toBeDefined()
  const deletion = (await locked())?.deletion
  const until = /its object lock lasts until (\S+Z)\.$/.exec(deletion?.error ?? '')?.[1] ?? expect.fail(deletion?.error)
  expect(deletion).toMatchObject({ reason: 'retention', attempts: 1, nextAttemptAt: until })
  expect(Date.parse(until) - Date.now()).toBeGreaterThan(86_400_000)

  const store = { kind: 's3', endpoint: proxy.origin, region: s3.region, bucket, ...withKey, deleteVersions: true }
  const check = await fixture.call('POST', '/v1/destinations/check', { instanceId, name: 'locked', store })
  expect([check.status, check.text]).toEqual([200, expect.any(String)])

  const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }))
  expect(Versions.filter(({ Key }) => Key?.startsWith(plan.id))).toHaveLength(4)
  for (const { Key, VersionId } of Versions) {
    const version = { Bucket: bucket, Key, VersionId, BypassGovernanceRetention: true }
    await client.send(new DeleteObjectCommand(version))
  }
})

test('credentials of the programs are used only where their operators allow it', async () => {
  const where = { endpoint: proxy.origin, region: s3.region, bucket: `ambient-${randomUUID()}` }
  const store = { kind: 's3', ...where, credentialsFrom: 'webIdentity' }
  const answer = await fixture.call('POST', '/v1/destinations/check', { instanceId, name: 'ambient', store })
  expect(answer).toMatchObject({
    status: 400,
    body: { detail: expect.stringContaining('The operator does not allow S3 credentials from "webIdentity"') },
  })
})
