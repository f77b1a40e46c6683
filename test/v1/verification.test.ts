import { randomBytes, randomUUID } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateBucketCommand, DeleteBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { Job, Plan, RestorePoint } from '@osb-backup/protocol/v1'
import { openStore } from '@osb-backup/storage'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'
import { s3Store } from '../fixtures/lab-stores.ts'
import { stallingProxy } from '../fixtures/stalling-proxy.ts'

const { accessKeyId, secretAccessKey, endpoint, region } = inject('lab').s3
const s3 = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } })
const bucket = `verify-${randomUUID()}`
const DUMP_BYTES = 4 * 1024 * 1024

let fixture: Fixture

beforeAll(async () => {
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  fixture = await startFixture(
    { backup: `head -c ${DUMP_BYTES} /dev/urandom` },
    { MAX_RUNNING_VERIFICATIONS: '1', PRIVATE_DESTINATIONS: 'allow' },
  )
})

afterAll(async () => {
  await fixture[Symbol.asyncDispose]()
  const store = openStore({ type: 's3', endpoint, bucket, accessKeyId, secretAccessKey })
  for await (const { name } of store.list('')) await store.remove(name)
  await s3.send(new DeleteBucketCommand({ Bucket: bucket }))
  s3.destroy()
})

async function backUp(fields: Partial<Plan> = {}): Promise<RestorePoint> {
  const plan = await fixture.createPlan(fields)
  expect(await fixture.runPlan(plan.id)).toMatchObject({ state: 'succeeded' })
  return fixture.newestPoint(plan.id)
}

const objectOf = (point: RestorePoint) => join(fixture.store, point.objectName)
const verify = async (point: RestorePoint) =>
  fixture.waitForJob((await fixture.client.restorePoints.verify(point.id)).id)
const stateOf = async ({ id }: Job) => (await fixture.client.jobs.get(id)).state

/** A restore point in a store that answers no more than the start of its object until it is opened. */
async function backUpBehindProxy() {
  const proxy = await stallingProxy(endpoint, { down: DUMP_BYTES / 4 })
  const destination = await fixture.client.destinations.create({
    instanceId,
    name: `stalling ${randomBytes(4).toString('hex')}`,
    store: s3Store(bucket, proxy.endpoint),
  })
  return { proxy, point: await backUp({ destinationId: destination.id }) }
}

test('a verification is a job, which ends with the state of the object', async () => {
  const point = await backUp()
  const { status, headers, body } = await fixture.call('POST', `/v1/restore-points/${point.id}/verify`)
  expect(status).toBe(202)
  expect(headers.get('location')).toBe(`/v1/jobs/${body.id}`)
  expect(body).toMatchObject({ kind: 'verify', state: 'queued', instanceId, sourceJobId: point.jobId })
  const job = await fixture.waitForJob(body.id)
  expect(job).toMatchObject({ state: 'succeeded', planId: point.planId, durationSeconds: expect.any(Number) })
  expect(job.parts).toMatchObject([{ restorePointId: point.id, verified: 'intact', state: 'succeeded' }])
  const { verification } = await fixture.client.restorePoints.get(point.id)
  expect(verification).toMatchObject({ state: 'intact' })
  const { items } = await fixture.client.jobs.list({ kind: 'verify', plan: point.planId })
  expect(items.map((each) => each.id)).toEqual([job.id])
  expect(await fixture.client.jobs.logs(job.id)).toEqual({ items: [] })
  await fixture.client.jobs.delete(job.id)
})

test('a damaged and a missing object fail the job with the reason', async () => {
  const point = await backUp()
  await writeFile(objectOf(point), Buffer.alloc(DUMP_BYTES))
  const damaged = await verify(point)
  expect(damaged).toMatchObject({ state: 'failed', parts: [{ verified: 'damaged', bytesRead: expect.any(Number) }] })
  expect(damaged.parts[0]?.error).toContain('at offset 0 does not match its digest')
  await rm(objectOf(point))
  expect(await verify(point)).toMatchObject({
    state: 'failed',
    parts: [{ verified: 'missing', error: expect.stringContaining(point.objectName) }],
  })
  expect((await fixture.client.restorePoints.get(point.id)).verification?.state).toBe('missing')
})

test('an object whose directory or bucket does not exist is not missing: it could not be read', async () => {
  const point = await backUp()
  await rename(fixture.store, `${fixture.store}.away`)
  const job = await verify(point)
  await rename(`${fixture.store}.away`, fixture.store)
  expect(job).toMatchObject({
    state: 'failed',
    parts: [{ error: expect.stringContaining('could not be read back') }],
  })
  expect(job.parts[0]).not.toHaveProperty('verified')
  expect((await fixture.client.restorePoints.get(point.id)).verification).toBeUndefined()
})

test('a sample of an object is verified, which finds damage but proves nothing else', async () => {
  const point = await backUp()
  expect(point.root).toMatch(/^[0-9a-f]{64}$/)
  const sampled = async () => {
    const { id } = await fixture.client.restorePoints.verify(point.id, { sample: 5 })
    return fixture.waitForJob(id)
  }
  expect(await sampled()).toMatchObject({ state: 'succeeded', samplePercent: 5, parts: [{ verified: 'intact' }] })
  expect((await fixture.client.restorePoints.get(point.id)).verification).toBeUndefined()
  await writeFile(objectOf(point), Buffer.alloc(DUMP_BYTES))
  expect(await sampled()).toMatchObject({ state: 'failed', parts: [{ verified: 'damaged' }] })
  expect((await fixture.client.restorePoints.get(point.id)).verification?.state).toBe('damaged')
  for (const sample of ['0', '101', 'some'])
    expect((await fixture.call('POST', `/v1/restore-points/${point.id}/verify?sample=${sample}`)).status).toBe(400)
})

test('the old paths show no verification', async () => {
  const point = await backUp()
  const { id } = await verify(point)
  expect((await fixture.call('GET', `/restoreJobs/${id}`)).status).toBe(404)
  expect((await fixture.call('GET', `/backupJobs/${id}`)).status).toBe(404)
  expect((await fixture.call('DELETE', `/backupJobs/${id}`)).status).toBe(404)
  for (const list of ['backupJobs', 'restoreJobs']) {
    const { body } = await fixture.call('GET', `/${list}/byInstance/${instanceId}?pageSize=500`)
    expect(JSON.stringify(body)).not.toContain(id)
  }
})

test('a running verification is cancelled at once, holds up no backup, and is started once', async () => {
  const { proxy, point } = await backUpBehindProxy()
  const other = await backUp()
  const idempotencyKey = randomBytes(8).toString('hex')
  const running = await fixture.client.restorePoints.verify(point.id, { idempotencyKey })
  expect((await fixture.client.restorePoints.verify(point.id, { idempotencyKey })).id).toBe(running.id)
  await expect(fixture.client.restorePoints.verify(point.id)).rejects.toMatchObject({ status: 409 })
  const bytesRead = async () => (await fixture.client.jobs.get(running.id)).parts[0]?.bytesRead ?? 0
  await expect.poll(bytesRead, { timeout: 60_000 }).toBeGreaterThan(0)
  // The limit is 1.
  const waiting = await fixture.client.restorePoints.verify(other.id)
  await backUp()
  expect(await stateOf(running)).toBe('running')
  expect(await stateOf(waiting)).toBe('queued')
  await fixture.client.jobs.cancel(running.id)
  expect(await fixture.waitForJob(running.id)).toMatchObject({
    state: 'cancelled',
    parts: [{ error: expect.stringContaining('Cancelled by') }],
  })
  expect(await fixture.waitForJob(waiting.id)).toMatchObject({ state: 'succeeded' })
  expect((await fixture.client.restorePoints.get(point.id)).verification).toBeUndefined()
  proxy.open()
})

test('a verification that its manager did not finish is run again by the next one', async () => {
  const { proxy, point } = await backUpBehindProxy()
  const { id } = await fixture.client.restorePoints.verify(point.id)
  await expect.poll(async () => (await fixture.client.jobs.get(id)).state, { timeout: 60_000 }).toBe('running')
  await fixture.restartManager()
  proxy.open()
  const job = await fixture.waitForJob(id)
  expect(job).toMatchObject({ state: 'succeeded', parts: [{ verified: 'intact' }] })
})

test('a verification fails when it exceeds its time limit, and leaves its restore point unchanged', async () => {
  await fixture.restartManager({ VERIFICATION_TIMEOUT_SECONDS: '2' })
  const { proxy, point } = await backUpBehindProxy()
  expect(await verify(point)).toMatchObject({
    state: 'failed',
    parts: [{ error: 'The object was not read within 2 seconds.' }],
  })
  expect((await fixture.client.restorePoints.get(point.id)).verification).toBeUndefined()
  proxy.open()
})
