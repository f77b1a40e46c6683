import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { BackupClient } from '@osb-backup/client'
import { openStore } from '@osb-backup/storage'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FaultsProxy, startFaultsProxy } from '../../lab/faults/faults-proxy.ts'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'
import { makePlaces, places } from '../main-job/places.ts'

let fixture: Fixture
let where: ReturnType<typeof places>

beforeAll(async () => {
  await makePlaces()
  fixture = await startFixture({}, { STORE_OUTAGE_SECONDS: '1' })
  where = places(fixture.store)
})
afterAll(() => fixture[Symbol.asyncDispose]())

/** A destination with one restore point in it. */
async function createUsed(kind: 's3' | 'swift') {
  const { store } = where[kind].destination
  const { id } = await fixture.client.destinations.create({ instanceId, name: `${kind} ${Math.random()}`, store })
  const plan = await fixture.createPlan({ destinationId: id })
  expect((await fixture.runPlan(plan.id)).state).toBe('succeeded')
  return { id, plan, point: await fixture.newestPoint(plan.id) }
}

const isSettled = (promise: Promise<unknown>) =>
  Promise.race([promise.then(() => true), new Promise<false>((resolve) => setImmediate(() => resolve(false)))])

describe('a destination that is used', () => {
  test('moves to another address of the same store, and its restore points are read there', async () => {
    const { id, point } = await createUsed('s3')
    const { store } = where.s3.destination
    await using proxy = await startFaultsProxy(store.endpoint)
    await fixture.client.destinations.update(id, { store: { kind: 's3', endpoint: proxy.origin } })
    const { id: jobId } = await fixture.client.restorePoints.verify(point.id)
    expect((await fixture.waitForJob(jobId)).state).toBe('succeeded')
    expect(proxy.requests).toBeGreaterThan(2)

    // The address may change while the store is not reachable at the former one.
    const moved = await fixture.client.destinations.update(id, { store: { kind: 's3', endpoint: store.endpoint } })
    expect(moved.store).toMatchObject({ endpoint: store.endpoint, authSecretSet: true })
  })

  test('moves in Swift too, once its password is sent again', async () => {
    const { id } = await createUsed('swift')
    const { store } = where.swift.destination
    const authUrl = store.authUrl.replace('127.0.0.1', 'localhost')
    expect(authUrl).not.toBe(store.authUrl)
    await expect(fixture.client.destinations.update(id, { store: { kind: 'swift', authUrl } })).rejects.toMatchObject({
      status: 400,
      field: 'store.password',
    })
    const { password } = store
    const moved = await fixture.client.destinations.update(id, { store: { kind: 'swift', authUrl, password } })
    expect(moved.store).toMatchObject({ authUrl })
  })

  test('stays where it is if the new address does not answer as a store', async () => {
    const { store } = where.s3.destination
    const { id } = await createUsed('s3')
    await using proxy = await startFaultsProxy(store.endpoint)
    proxy.spoil(() => ({ kind: 'answer', status: 503, body: '' }))
    const move = fixture.client.destinations.update(id, { store: { kind: 's3', endpoint: proxy.origin } })
    const message = expect.stringContaining('not found at the new address')
    await expect(move).rejects.toMatchObject({ status: 409, message })
    expect((await fixture.client.destinations.get(id)).store).toMatchObject({ endpoint: store.endpoint })
  })

  test.for([
    ['another size', () => 'other', /of \d+ bytes has 5 bytes there/],
    ['another manifest', (text: string) => text.replace('{', '{ '), /it was changed or replaced/],
  ] as const)('stays where it is if an object has %s at the new address', async ([what, change, reason]) => {
    const { store } = where.s3.destination
    const { id, point } = await createUsed('s3')
    const objects = openStore(where.s3.store)
    const name = what === 'another size' ? point.objectName : `${point.objectName}.manifest.json`
    const stored = await text(await objects.get(name))
    await objects.put(name, Readable.from([Buffer.from(change(stored))]))
    const endpoint = store.endpoint.replace('127.0.0.1', 'localhost')
    const move = fixture.client.destinations.update(id, { store: { kind: 's3', endpoint } })
    await expect(move).rejects.toMatchObject({ status: 409, message: expect.stringMatching(reason) })
    expect((await fixture.client.destinations.get(id)).store).toMatchObject({ endpoint: store.endpoint })
  })

  test('does not move to another bucket', async () => {
    const { id } = await createUsed('s3')
    const message = expect.stringContaining('only the address of its server can change')
    await expect(
      fixture.client.destinations.update(id, { store: { kind: 's3', bucket: 'elsewhere' } }),
    ).rejects.toMatchObject({ status: 409, message })
  })

  test('does not move to another directory, but can be renamed', async () => {
    const plan = await fixture.createPlan()
    await fixture.runPlan(plan.id)
    const elsewhere = { store: { kind: 'file', directory: join(fixture.store, 'elsewhere') } }
    const path = `/v1/destinations/${fixture.destinationId}`
    const refused = await fixture.call('PATCH', path, elsewhere)
    expect(refused.status).toBe(409)
    expect(refused.body.detail).toMatch(/Create a new destination/)
    const same = { name: 'renamed', store: { kind: 'file', directory: fixture.store } }
    expect((await fixture.call('PATCH', path, same)).status).toBe(200)
  })

  test('is not moved while a backup is being stored in it', async () => {
    const plan = await fixture.createPlan()
    await fixture.runPlan(plan.id)
    const store = { kind: 'file' as const, directory: join(fixture.store, 'unused') }
    const { id } = await fixture.client.destinations.create({ instanceId, name: 'unused', store })
    const sql = await fixture.connectDatabase()
    await sql.query('begin')
    await sql.query('update restore_points set destination_id = $2 where plan_id = $1', [plan.id, id])
    const moved = fixture.call('PATCH', `/v1/destinations/${id}`, {
      store: { kind: 'file', directory: join(fixture.store, 'elsewhere') },
    })
    const blocked = 'select from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))'
    const isDecided = async () => (await sql.query(blocked)).rowCount !== 0 || (await isSettled(moved))
    await expect.poll(isDecided, { timeout: 60_000 }).toBe(true)
    await sql.query('commit')
    // A restore point came meanwhile, which was not looked for at the new place.
    expect((await moved).status).toBe(412)
    await sql.query('update restore_points set destination_id = $2 where plan_id = $1', [
      plan.id,
      fixture.destinationId,
    ])
    await sql.end()
  })

  test('can still be changed after it was deleted, and is listed as such', async () => {
    const { store } = where.s3.destination
    const { id, plan, point } = await createUsed('s3')
    await fixture.client.plans.delete(plan.id)
    await fixture.client.destinations.delete(id)
    await using proxy = await startFaultsProxy(store.endpoint)
    await fixture.client.destinations.update(id, { store: { kind: 's3', endpoint: proxy.origin } })
    const { id: jobId } = await fixture.client.restorePoints.verify(point.id)
    expect((await fixture.waitForJob(jobId)).state).toBe('succeeded')
    expect(proxy.requests).toBeGreaterThan(0)
    const ids = async (retired: 'true' | 'false') =>
      (await fixture.client.destinations.list({ retired, limit: 500 })).items.map((each) => each.id)
    expect(await ids('true')).toContain(id)
    expect(await ids('false')).not.toContain(id)
    expect((await fixture.client.destinations.get(id)).retiredAt).toBeDefined()
  })
})

/** What S3 answers where there is no bucket. */
const noSuchBucket = {
  kind: 'answer',
  status: 404,
  headers: { 'content-type': 'application/xml', 'x-amz-request-id': 'tx1' },
  body: '<?xml version="1.0"?><Error><Code>NoSuchBucket</Code><Message>It does not exist</Message></Error>',
} as const

describe('a restore point whose bucket does not exist', () => {
  const backUpThrough = async (proxy: FaultsProxy) => {
    const { id } = await createUsed('s3')
    await fixture.client.destinations.update(id, { store: { kind: 's3', endpoint: proxy.origin } })
    const plan = await fixture.createPlan({ destinationId: id })
    expect((await fixture.runPlan(plan.id)).state).toBe('succeeded')
    return { plan, point: await fixture.newestPoint(plan.id) }
  }

  test('is deleted by an admin with force, which the audit log shows; by nobody else', async () => {
    await using proxy = await startFaultsProxy(where.s3.destination.store.endpoint)
    const { plan, point } = await backUpThrough(proxy)
    proxy.spoil(() => noSuchBucket)

    const { token } = await fixture.client.tokens.create({
      name: 'operator',
      role: 'operator',
      instances: [instanceId],
    })
    const operator = new BackupClient({ url: fixture.manager.url, token })
    await expect(operator.restorePoints.delete(point.id, { force: true })).rejects.toMatchObject({ status: 403 })
    await fixture.client.restorePoints.hold(point.id)
    await expect(fixture.client.restorePoints.delete(point.id, { force: true })).rejects.toMatchObject({ status: 409 })
    await fixture.client.restorePoints.release(point.id)
    await fixture.client.restorePoints.delete(point.id, { force: true })
    expect(await fixture.pointsOf(plan.id)).toEqual([])
    const entries = (await fixture.client.auditEntries.list()).items
    expect(entries.map(({ action }) => action)).toContain('DELETE /v1/restore-points/:id?force=true')
  })

  test.for([
    ['is unavailable', { kind: 'answer', status: 503, body: '' }],
    ['denies access', { kind: 'answer', status: 403, headers: noSuchBucket.headers, body: '' }],
    ['does not answer', { kind: 'silence' }],
  ] as const)('is kept with force if its store merely %s', async ([, fault]) => {
    await using proxy = await startFaultsProxy(where.s3.destination.store.endpoint)
    const { plan, point } = await backUpThrough(proxy)
    proxy.spoil(() => fault)
    await expect(fixture.client.restorePoints.delete(point.id, { force: true })).rejects.toMatchObject({ status: 409 })
    expect(await fixture.pointsOf(plan.id)).toMatchObject([{ id: point.id, deletion: { reason: 'requested' } }])
  })
})
