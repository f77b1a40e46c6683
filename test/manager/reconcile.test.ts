import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { Plan, Reconcile, StoreSettings as WireStore } from '@osb-backup/protocol/v1'
import { openStore, type StoreSettings } from '@osb-backup/storage'
import { startManagerProgram } from '@osb-backup/testkit'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'

import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'
import { SwiftAccount } from '../storage/swift-account.ts'

const lab = inject('lab')
const account = new SwiftAccount(lab.swift)
const bucket = `reconcile-${randomUUID()}`
const { endpoint, region, accessKeyId, secretAccessKey } = lab.s3
let fixture: Fixture

beforeAll(async () => {
  fixture = await startFixture()
  await account.makeContainer(bucket)
})
afterAll(async () => {
  await fixture[Symbol.asyncDispose]()
  for (const container of [`${bucket}+segments`, `${bucket}_segments`, bucket]) await account.removeContainer(container)
})

const s3 = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } })

/** Leaves an upload under a name as a killed process would. */
const kinds: {
  kind: string
  wire: WireStore
  settings: StoreSettings
  leaveUpload: (name: string) => Promise<void>
}[] = [
  {
    kind: 'S3',
    wire: { kind: 's3', endpoint, region, bucket, authKey: accessKeyId, authSecret: secretAccessKey },
    settings: { type: 's3', endpoint, region, bucket, accessKeyId, secretAccessKey },
    async leaveUpload(name) {
      const object = { Bucket: bucket, Key: name }
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand(object))
      await s3.send(new UploadPartCommand({ ...object, UploadId, PartNumber: 1, Body: Buffer.alloc(5 * 1024 * 1024) }))
    },
  },
  {
    kind: 'Swift',
    wire: {
      kind: 'swift',
      authUrl: lab.swift.authUrl,
      domain: lab.swift.domain,
      projectName: lab.swift.projectName,
      username: lab.swift.username,
      password: lab.swift.password,
      container: bucket,
    },
    settings: { type: 'swift', ...lab.swift, container: bucket },
    async leaveUpload(name) {
      await account.makeContainer(`${bucket}_segments`)
      const segments = openStore({ type: 'swift', ...lab.swift, container: `${bucket}_segments` })
      await segments.put(`${name}/0123456789ab/00000001`, Readable.from([Buffer.alloc(1000)]))
    },
  },
]

/** Reconciles a destination, and answers what was found. */
async function reconcile(destinationId: string, request: Reconcile = {}) {
  const { id } = await fixture.client.destinations.reconcile(destinationId, request)
  const { state, error, findings } = await fixture.client.reconciliations.wait(id, {
    signal: AbortSignal.timeout(60_000),
  })
  expect([state, error]).toEqual(['succeeded', undefined])
  return findings
}

describe.each(kinds)('a destination in $kind', ({ kind, wire, settings, leaveUpload }) => {
  const store = openStore(settings)
  const put = (name: string) => store.put(name, Readable.from([Buffer.from('somebody')]))
  let destinationId: string
  let plan: Plan

  beforeAll(async () => {
    destinationId = (await fixture.client.destinations.create({ instanceId, name: kind, store: wire })).id
    plan = await fixture.createPlan({ destinationId, items: ['db1', 'db2'] })
    expect((await fixture.runPlan(plan.id)).state).toBe('succeeded')
  })

  test('is compared with its restore points, and cleaned up only if requested', async () => {
    const [gone, other] = await fixture.pointsOf(plan.id)
    const [orphan, foreign, half] = [`${plan.id}/orphan.dump`, 'elsewhere/object', `${plan.id}/half.dump`]
    await put(orphan)
    await put(foreign)
    await leaveUpload(half)
    await store.remove(gone?.objectName ?? '')

    const untouched = await reconcile(destinationId)
    expect(untouched?.orphans).toEqual([])
    expect(untouched?.incompleteUploads).toEqual([])

    // Stores round times up to the next second.
    await sleep(1500)
    const listed = await reconcile(destinationId, { olderThanSeconds: 0 })
    expect(listed?.orphans).toMatchObject([{ name: orphan, sizeBytes: 8, removed: false }])
    expect(listed?.incompleteUploads).toMatchObject([{ name: half, removed: false }])
    expect(listed).toMatchObject({ orphanCount: 1, incompleteUploadCount: 1, missingCount: 1 })
    expect(await store.head(orphan)).toBeDefined()
    expect((await fixture.client.restorePoints.get(gone?.id ?? '')).verification?.state).toBe('missing')
    expect((await fixture.client.restorePoints.get(other?.id ?? '')).verification).toBeUndefined()

    const cleared = await reconcile(destinationId, { olderThanSeconds: 0, remove: true })
    expect(cleared?.orphans).toMatchObject([{ name: orphan, removed: true }])
    expect(cleared?.incompleteUploads).toMatchObject([{ name: half, removed: true }])
    expect(await store.head(orphan)).toBeUndefined()
    expect(await store.head(foreign)).toBeDefined()
    expect(await store.head(other?.objectName ?? '')).toBeDefined()
    if (kind === 'S3')
      expect((await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? []).toEqual([])

    const program = startManagerProgram({ DATA_DIR: join(fixture.folder, 'manager') }, ['reconcile', destinationId])
    expect(await program.ended()).toBe(0)
    expect(JSON.parse(program.output())).toMatchObject({ objects: 1, orphans: { total: 0 } })

    // An object that is found again is no longer missing, unless its size differs.
    await store.put(gone?.objectName ?? '', Readable.from([Buffer.alloc(gone?.sizeBytes ?? 0)]))
    expect((await reconcile(destinationId))?.missingCount).toBe(0)
    expect((await fixture.client.restorePoints.get(gone?.id ?? '')).verification).toBeUndefined()
    await store.remove(gone?.objectName ?? '')

    const again = await reconcile(destinationId, { olderThanSeconds: 0, remove: true })
    expect(again).toMatchObject({ orphanCount: 0, incompleteUploadCount: 0 })
    await store.remove(foreign)

    // The store may not find the object of a restore point for a moment: its segments are no incomplete upload.
    const name = gone?.objectName ?? ''
    await leaveUpload(name)
    const uploads = async () =>
      (await reconcile(destinationId, { olderThanSeconds: 0, remove: true }))?.incompleteUploads
    const kept = { name, removed: false, error: 'It is kept: a restore point has this name.' }
    await expect.poll(uploads, { timeout: 60_000 }).toEqual([expect.objectContaining(kept)])
    await fixture.client.plans.delete(plan.id, { files: 'delete' })
    await expect.poll(() => fixture.pointsOf(plan.id)).toEqual([])
    expect(await uploads()).toMatchObject([{ name, removed: true }])
  })
})
