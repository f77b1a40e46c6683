import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateBucketCommand, DeleteBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'
import { s3Store } from '../fixtures/lab-stores.ts'
import { stallingProxy } from '../fixtures/stalling-proxy.ts'

const { accessKeyId, secretAccessKey, endpoint, region } = inject('lab').s3
const s3 = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } })
const bucket = `reconciliations-${randomUUID()}`

let fixture: Fixture

beforeAll(async () => {
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  fixture = await startFixture()
})

afterAll(async () => {
  await fixture[Symbol.asyncDispose]()
  await s3.send(new DeleteBucketCommand({ Bucket: bucket }))
  s3.destroy()
})

const ended = (id: string) => fixture.client.reconciliations.wait(id, { signal: AbortSignal.timeout(60_000) })

/** A destination with a plan, whose store does not answer until it is opened. */
async function stalledDestination() {
  const proxy = await stallingProxy(endpoint, { down: 0 })
  const { id } = await fixture.client.destinations.create({
    instanceId,
    name: randomUUID(),
    store: s3Store(bucket, proxy.endpoint),
  })
  await fixture.createPlan({ destinationId: id })
  return { proxy, id }
}

test('a reconciliation answers at once, and is read until it has ended', async () => {
  const plan = await fixture.createPlan()
  await mkdir(join(fixture.store, plan.id))
  await writeFile(join(fixture.store, plan.id, 'orphan.dump'), 'left')
  const path = `/v1/destinations/${fixture.destinationId}/reconcile`
  const key = { 'idempotency-key': randomUUID() }
  const { status, headers, body } = await fixture.call('POST', path, { olderThanSeconds: 0 }, key)
  expect({ status, location: headers.get('location') }).toEqual({
    status: 202,
    location: `/v1/reconciliations/${body.id}`,
  })
  expect((await fixture.call('POST', path, { olderThanSeconds: 0 }, key)).body.id).toBe(body.id)
  expect(await ended(body.id)).toMatchObject({
    state: 'succeeded',
    destinationId: fixture.destinationId,
    instanceId,
    findings: { orphanCount: 1, orphans: [{ name: `${plan.id}/orphan.dump`, removed: false }] },
  })
  await expect(fixture.client.reconciliations.cancel(body.id)).rejects.toMatchObject({ status: 409 })
})

test('one runs in a destination at a time, and is cancelled', async () => {
  const { proxy, id: destinationId } = await stalledDestination()
  const { id } = await fixture.client.destinations.reconcile(destinationId)
  await expect(fixture.client.destinations.reconcile(destinationId)).rejects.toMatchObject({ status: 409 })
  await expect.poll(async () => (await fixture.client.reconciliations.get(id)).state).toBe('running')
  expect(await fixture.client.reconciliations.cancel(id)).toMatchObject({
    state: 'cancelled',
    error: expect.stringContaining('Cancelled by'),
  })
  // Its manager stops it, and runs the next one.
  const other = await fixture.client.destinations.reconcile(fixture.destinationId)
  expect((await ended(other.id)).state).toBe('succeeded')
  expect((await fixture.client.reconciliations.get(id)).state).toBe('cancelled')
  proxy.open()
})

test('one that its manager did not finish is run again by the next one', async () => {
  const { proxy, id: destinationId } = await stalledDestination()
  const { id } = await fixture.client.destinations.reconcile(destinationId)
  await expect.poll(async () => (await fixture.client.reconciliations.get(id)).state).toBe('running')
  await fixture.restartManager()
  proxy.open()
  expect(await ended(id)).toMatchObject({ state: 'succeeded', findings: { objectCount: 0 } })
})

test('one fails with the reason when it exceeds its time limit', async () => {
  await fixture.restartManager({ RECONCILIATION_TIMEOUT_SECONDS: '1' })
  const { proxy, id: destinationId } = await stalledDestination()
  const { id } = await fixture.client.destinations.reconcile(destinationId)
  expect(await ended(id)).toMatchObject({
    state: 'failed',
    error: 'The destination was not reconciled within 1 seconds.',
  })
  proxy.open()
})
