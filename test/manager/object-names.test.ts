import { randomUUID } from 'node:crypto'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { openStore } from '@osb-backup/storage'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type FaultsProxy, startFaultsProxy } from '../../lab/faults/faults-proxy.ts'
import { openDatabase } from '../../packages/manager/src/database/open-database.ts'
import { giveObjectName } from '../../packages/manager/src/object-names/service.ts'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'
import { makeDatabase } from './own-database.ts'

const { endpoint, region, accessKeyId, secretAccessKey } = inject('lab').s3
const bucket = `names-${randomUUID()}`
const store = openStore({ type: 's3', endpoint, region, bucket, accessKeyId, secretAccessKey })
let fixture: Fixture
let proxy: FaultsProxy
let s3DestinationId: string

beforeAll(async () => {
  const credentials = { accessKeyId, secretAccessKey }
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  proxy = await startFaultsProxy(new URL(endpoint).origin)
  fixture = await startFixture()
  const access = { region, bucket, authKey: accessKeyId, authSecret: secretAccessKey }
  const destination = await fixture.client.destinations.create({
    instanceId,
    name: 's3',
    store: { kind: 's3', endpoint: proxy.origin, ...access },
  })
  s3DestinationId = destination.id
})
afterAll(async () => {
  await fixture[Symbol.asyncDispose]()
  await proxy[Symbol.asyncDispose]()
})

/** Runs a statement in the manager's database. */
async function query(text: string, values: unknown[] = []): Promise<void> {
  const sql = await fixture.connectDatabase()
  await sql.query(text, values)
  await sql.end()
}

const namesOf = async (planId: string): Promise<string[]> => {
  const names: string[] = []
  for await (const { name } of store.list(`${planId}/`)) if (!name.endsWith('.manifest.json')) names.push(name)
  return names
}

/** The store removes an object, but from then on its answers are lost. Returns whether it did. */
function loseRemovalOf(objectName: string): () => boolean {
  let isRemoved = false
  proxy.spoil(({ method, url }) => {
    if (method === 'DELETE' && url.includes(basename(objectName))) isRemoved = true
    return isRemoved ? { kind: 'lose' } : undefined
  })
  return () => isRemoved
}

test('the name of a deleted restore point is not given again', async () => {
  const plan = await fixture.createPlan()
  const names = new Set<string>()
  for (let run = 0; run < 3; run++) {
    expect((await fixture.runPlan(plan.id)).state).toBe('succeeded')
    const { id, objectName } = await fixture.newestPoint(plan.id)
    names.add(objectName)
    await fixture.client.restorePoints.delete(id)
  }
  expect(names.size).toBe(3)
  const [first = '', second = ''] = [...names].map((name) => basename(name, '.dump'))
  expect(first).toMatch(/^[^_]+_\d{4}_\d\d_\d\d_db1$/)
  expect(second).toMatch(new RegExp(`^${first}_\\d{6}$`))
})

describe('names', () => {
  test('are given to one part each, even to concurrent ones; a part that asks again keeps its name', async () => {
    await using own = await makeDatabase()
    const database = await openDatabase({ connectionString: own.url }, pino({ level: 'silent' }))
    const part = (number: number) => ({ partId: `part${number}`, prefix: 'plan/', host: '10.0.0.5', database: 'db1' })
    const ask = (number: number) => giveObjectName({ database }, part(number))
    const numbers = Array.from({ length: 30 }, (_, index) => index % 15)
    const given = await Promise.all(numbers.map(ask))
    expect(new Set(given).size).toBe(15)
    expect(given.slice(0, 15)).toEqual(given.slice(15))
    // Chosen by an agent, with a type, and of a name that only begins alike.
    await own.query(`delete from object_names`)
    await own.query(`insert into object_names (prefix, name)
      select 'plan/', format('10.0.0.5_%s_db1%s', to_char(now() at time zone 'UTC', 'YYYY_MM_DD'), ending)
      from unnest(array['.tar.gz', '2', '-x.dump']) ending`)
    expect(await ask(20)).toMatch(/_db1_\d{6}$/)
    await own.query(`delete from object_names where name like '%.tar.gz'`)
    await own.query(`delete from object_names where part_id is not null`)
    expect(await ask(20)).toMatch(/_db1$/)
    await database.destroy()
  })
})

test('a backup that follows a removal whose answer was lost is not removed by the retry', async () => {
  const plan = await fixture.createPlan({ destinationId: s3DestinationId, retention: { style: 'count', period: 1 } })
  await fixture.runPlan(plan.id)
  const first = await fixture.newestPoint(plan.id)
  const removed = loseRemovalOf(first.objectName)
  await fixture.runPlan(plan.id)
  await expect.poll(removed).toBe(true)
  proxy.heal()
  await fixture.runPlan(plan.id)
  await query('update restore_points set next_removal_at = now() where removal_requested_at is not null')
  await expect.poll(async () => (await fixture.pointsOf(plan.id)).length).toBe(1)
  const newest = await fixture.newestPoint(plan.id)
  expect(newest.objectName).not.toBe(first.objectName)
  await expect.poll(() => namesOf(plan.id)).toEqual([newest.objectName])
})

test('an object of another agent that took the name of a removed one is not removed by the retry', async () => {
  const plan = await fixture.createPlan({ destinationId: s3DestinationId })
  await fixture.runPlan(plan.id)
  const { id, objectName } = await fixture.newestPoint(plan.id)
  const stored = await store.head(objectName)
  loseRemovalOf(objectName)
  expect((await fixture.call('DELETE', `/v1/restore-points/${id}`)).status).toBe(409)
  expect(await store.head(objectName)).toBeUndefined()
  proxy.heal()
  // As large as the removed one, and not recorded yet.
  await store.put(objectName, Readable.from([Buffer.alloc(stored?.sizeBytes ?? 0, 'x')]))
  await query('update restore_points set next_removal_at = now() where id = $1', [id])
  await expect.poll(async () => (await fixture.pointsOf(plan.id)).length).toBe(0)
  expect((await store.head(objectName))?.sizeBytes).toBe(stored?.sizeBytes)
})
