import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { BackupPlan, FileDestinationRequest } from '@osb-backup/protocol'
import { openStore, type StoreSettings } from '@osb-backup/storage'
import { startManagerProgram } from '@osb-backup/testkit'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { SwiftAccount } from '../storage/swift-account.ts'
import { instanceId, makeSmallWorld, runPlan, type SmallWorld } from './small-world.ts'

const lab = inject('lab')
const account = new SwiftAccount(lab.swift)
const bucket = `reconcile-${randomUUID()}`
const { endpoint, region, accessKeyId, secretAccessKey } = lab.s3
let world: SmallWorld

beforeAll(async () => {
  world = await makeSmallWorld()
  await account.makeContainer(bucket)
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  for (const container of [`${bucket}+segments`, `${bucket}_segments`, bucket]) await account.removeContainer(container)
})

const s3 = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } })

/** Leaves an upload under a name as a killed process would. */
const kinds: {
  kind: string
  request: Record<string, unknown>
  settings: StoreSettings
  leaveUpload: (name: string) => Promise<void>
}[] = [
  {
    kind: 'S3',
    request: { type: 'S3', endpoint, region, bucket, authKey: accessKeyId, authSecret: secretAccessKey },
    settings: { type: 's3', endpoint, region, bucket, accessKeyId, secretAccessKey },
    async leaveUpload(name) {
      const object = { Bucket: bucket, Key: name }
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand(object))
      await s3.send(new UploadPartCommand({ ...object, UploadId, PartNumber: 1, Body: Buffer.alloc(5 * 1024 * 1024) }))
    },
  },
  {
    kind: 'Swift',
    request: {
      type: 'SWIFT',
      authUrl: lab.swift.authUrl,
      domain: lab.swift.domain,
      project_name: lab.swift.projectName,
      username: lab.swift.username,
      password: lab.swift.password,
      container_name: bucket,
    },
    settings: { type: 'swift', ...lab.swift, container: bucket },
    async leaveUpload(name) {
      await account.makeContainer(`${bucket}_segments`)
      const segments = openStore({ type: 'swift', ...lab.swift, container: `${bucket}_segments` })
      await segments.put(`${name}/0123456789ab/00000001`, Readable.from([Buffer.alloc(1000)]))
    },
  },
]

describe.each(kinds)('a destination in $kind', ({ kind, request, settings, leaveUpload }) => {
  const store = openStore(settings)
  const put = (name: string) => store.put(name, Readable.from([Buffer.from('somebody')]))
  let destinationId: string
  let plan: BackupPlan

  beforeAll(async () => {
    const destination = { ...request, name: kind, serviceInstance: { service_instance_id: instanceId } }
    destinationId = (await world.client.fileDestinations.create(destination as FileDestinationRequest)).id
    plan = await world.makePlan({ fileDestination: { id: destinationId }, items: ['db1', 'db2'] })
    expect((await runPlan(world, plan.id)).status).toBe('SUCCEEDED')
  })

  test('is compared with its restore points, and cleared only when told to', async () => {
    const { content: points } = await world.client.restorePoints.list(instanceId, { plan: plan.id })
    const [gone, other] = points
    const [orphan, foreign, half] = [`${plan.id}/orphan.dump`, 'elsewhere/object', `${plan.id}/half.dump`]
    await put(orphan)
    await put(foreign)
    await leaveUpload(half)
    await store.remove(gone ? gone.filenamePrefix + gone.filename : '')

    const untouched = await world.client.fileDestinations.reconcile(destinationId)
    expect(untouched.objectsWithoutRestorePoint).toEqual([])
    expect(untouched.unfinishedUploads).toEqual([])

    // Stores round times up to the next second.
    await delay(1500)
    const listed = await world.client.fileDestinations.reconcile(destinationId, { olderThanHours: 0 })
    expect(listed.objectsWithoutRestorePoint).toMatchObject([{ name: orphan, sizeBytes: 8, removed: false }])
    expect(listed.unfinishedUploads).toMatchObject([{ name: half, removed: false }])
    expect(listed.totals).toMatchObject({ objectsWithoutRestorePoint: 1, unfinishedUploads: 1 })
    expect(await store.head(orphan)).toBeDefined()
    expect((await world.client.restorePoints.get(gone?.id ?? '')).verification?.state).toBe('missing')
    expect((await world.client.restorePoints.get(other?.id ?? '')).verification).toBeUndefined()

    const cleared = await world.client.fileDestinations.reconcile(destinationId, { olderThanHours: 0, remove: true })
    expect(cleared.objectsWithoutRestorePoint).toMatchObject([{ name: orphan, removed: true }])
    expect(cleared.unfinishedUploads).toMatchObject([{ name: half, removed: true }])
    expect(await store.head(orphan)).toBeUndefined()
    expect(await store.head(foreign)).toBeDefined()
    expect(await store.head(other ? other.filenamePrefix + other.filename : '')).toBeDefined()
    if (kind === 'S3')
      expect((await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? []).toEqual([])

    const program = startManagerProgram({ DATA_DIR: join(world.folder, 'manager') }, ['reconcile', destinationId])
    expect(await program.ended()).toBe(0)
    expect(JSON.parse(program.output())).toMatchObject({ objects: 1, orphans: { total: 0 } })

    const again = await world.client.fileDestinations.reconcile(destinationId, { olderThanHours: 0, remove: true })
    expect(again.totals).toMatchObject({ objectsWithoutRestorePoint: 0, unfinishedUploads: 0 })
    await store.remove(foreign)
    await world.client.backupPlans.remove(plan.id, { files: 'delete' })
    const left = async () => (await world.client.restorePoints.list(instanceId, { plan: plan.id })).totalElements
    await expect.poll(left).toBe(0)
  })
})
