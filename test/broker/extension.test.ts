import { randomUUID } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'
import { DAILY, Platform, pathOf, protect, registerDatabase, SERVICE } from './platform.ts'

let fixture: Fixture
let platform: Platform
/** A database, and the instance of the broker that protects it. */
let database: string
let protector: string

beforeAll(async () => {
  fixture = await startFixture({ restore: 'cat > "$0.$BACKUP_DATABASE"' })
  platform = await Platform.create(fixture, 'extension')
  database = await registerDatabase(fixture, fixture.agent, { items: ['shop', 'orders'] })
  protector = await protect(platform, database)
})

afterAll(() => fixture?.[Symbol.asyncDispose]())

const extensionOf = (id: string) => `${pathOf(id)}/extensions/backup`

async function waitFor(id: string, operation: string) {
  const read = async () => (await platform.call('GET', `${extensionOf(id)}/operations/${operation}`)).body
  await expect.poll(async () => (await read()).state).not.toBe('in progress')
  return read()
}

/** Takes a backup. Returns what it left of each item. */
async function backUp(id: string): Promise<Record<'shop' | 'orders', Backup>> {
  const started = await platform.call('POST', `${extensionOf(id)}/backups`, {})
  expect([started.status, started.body.description]).toEqual([202, undefined])
  const location = started.headers.get('location') ?? ''
  expect(location).toBe(`${extensionOf(id)}/operations/${started.body.operation}`)
  expect(await waitFor(id, started.body.operation)).toMatchObject({ type: 'backup', state: 'succeeded' })
  const { backups } = (await platform.call('GET', `${extensionOf(id)}/backups?limit=2`)).body
  for (const backup of backups) expect(backup).toMatchObject({ service_instance: database, ...started.body })
  const of = (item: string) => backups.find((backup: Backup) => backup.item === item)
  return { shop: of('shop'), orders: of('orders') }
}

/** A backup of one item. */
interface Backup {
  id: string
  item: string
  size_bytes: number
}

test('the catalog names the extension, and its description has every operation', async () => {
  const { body } = await platform.call('GET', '/v2/catalog')
  const [extension] = body.services[0].plans[0].extensions
  expect(extension).toMatchObject({ id: 'urn:osbext:backup:v1', path: 'backup' })
  const document = JSON.parse(await (await fetch(extension.openapi_url)).text())
  expect(document.openapi).toBe('3.1.0')
  const described = Object.entries<object>(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => [method.toUpperCase(), path.replace(/^.*\/extensions\/backup/, '')].join(' ')),
  )
  expect(described.toSorted()).toEqual([
    'DELETE /backups/{backup_id}',
    'GET /backups',
    'GET /backups/{backup_id}',
    'GET /backups/{backup_id}/content',
    'GET /operations/{operation_id}',
    'GET /schedule',
    'POST /backups',
    'POST /backups/{backup_id}/restores',
    'PUT /schedule',
  ])
  for (const entry of described) {
    const [method = '', path = ''] = entry.split(' ')
    const called = extensionOf('none') + path.replaceAll(/\{\w+\}/g, 'none')
    const body = method === 'GET' || method === 'DELETE' ? undefined : {}
    const answer = await platform.call(method, called, body)
    expect([entry, answer.status, answer.body.error]).toEqual([entry, 404, 'NotFound'])
    const unversioned = await platform.call(method, called, body, { 'x-broker-api-version': undefined })
    expect([entry, unversioned.status]).toEqual([entry, 412])
  }
  expect((await platform.call('GET', `${extensionOf(protector)}/none`)).status).toBe(404)
})

test('a backup is taken, listed, downloaded, restored and deleted', async () => {
  const { shop: first, orders: second } = await backUp(protector)
  const list = `${extensionOf(protector)}/backups`
  const page = (await platform.call('GET', `${list}?limit=1`)).body
  const next = (await platform.call('GET', `${list}?limit=1&cursor=${page.next_cursor}`)).body
  expect([...page.backups, ...next.backups]).toEqual(expect.arrayContaining([first, second]))
  expect((await platform.call('GET', `${list}/${first.id}`)).body).toEqual(first)
  expect((await platform.call('GET', `${list}?item=other`)).body).toEqual({ backups: [] })

  const content = await fetch(`${fixture.manager.url}${list}/${first.id}/content`, {
    headers: { authorization: platform.authorization, 'x-broker-api-version': '2.17' },
  })
  expect(content.status).toBe(200)
  expect((await content.arrayBuffer()).byteLength).toBe(first.size_bytes)

  const restore = await platform.call('POST', `${list}/${first.id}/restores`, {})
  expect(restore.status).toBe(202)
  expect(await waitFor(protector, restore.body.operation)).toMatchObject({ type: 'restore', state: 'succeeded' })
  expect(await readFile(join(fixture.folder, 'scripts/restore.shop'), 'utf8')).toBe('the content of shop\n')

  expect(await platform.call('DELETE', `${list}/${first.id}`)).toMatchObject({ status: 200, body: {} })
  await expect.poll(async () => (await platform.call('GET', `${list}/${first.id}`)).status).toBe(404)
  expect((await platform.call('GET', `${list}/${second.id}`)).status).toBe(200)
})

test('a restore goes into another instance that the user may change, and into no other', async () => {
  const { shop: backup } = await backUp(protector)
  const target = await registerDatabase(fixture, fixture.agent, { items: ['copy'] })
  const foreign = await registerDatabase(fixture, fixture.agent, { items: ['theirs'], spaceGuid: 'another space' })
  const path = `${extensionOf(protector)}/backups/${backup.id}/restores`
  const restore = await platform.call('POST', path, { service_instance: target, database: 'copy' })
  expect(restore.status).toBe(202)
  expect(await waitFor(protector, restore.body.operation)).toMatchObject({ state: 'succeeded' })
  expect(await readFile(join(fixture.folder, 'scripts/restore.copy'), 'utf8')).toBe('the content of shop\n')
  for (const service_instance of [foreign, 'none']) {
    const refused = await platform.call('POST', path, { service_instance, database: 'theirs' })
    expect([refused.status, refused.body.description]).toEqual([400, expect.stringContaining('may back up')])
  }
})

test('the schedule is shown, changed within what the plan allows, and paused', async () => {
  const path = `${extensionOf(protector)}/schedule`
  expect((await platform.call('GET', path)).body).toMatchObject({ cron: '0 0 2 * * *', timezone: 'UTC', paused: false })
  const changed = { cron: '0 0 4 * * *', timezone: 'Europe/Berlin' }
  expect((await platform.call('PUT', path, changed)).body).toMatchObject({ ...changed, paused: false })
  expect((await platform.call('PUT', path, { paused: true })).body).toMatchObject({ ...changed, paused: true })
  expect((await platform.fetch(protector)).body.parameters).toMatchObject({ schedule: changed, paused: true })
  expect((await platform.call('PUT', path, { cron: '0 0 * * * *' })).status).toBe(400)
  expect((await platform.call('PUT', path, { paused: false })).body).toMatchObject({ paused: false })
})

describe('another broker', () => {
  test('passes on calls for an instance that it registered, also after that was deleted', async () => {
    const own = await registerDatabase(fixture, fixture.agent)
    const store = { kind: 'file', directory: join(fixture.destinations, own) } as const
    await mkdir(store.directory)
    const destination = await fixture.client.destinations.create({ instanceId: own, name: 'files', store })
    const plan = await fixture.createPlan({ instanceId: own, destinationId: destination.id, items: ['shop'] })
    const started = await platform.call('POST', `${extensionOf(own)}/backups`, {})
    expect(await waitFor(own, started.body.operation)).toMatchObject({ state: 'succeeded' })
    const schedule = { cron: '0 0 3 29 2 *', paused: true }
    expect((await platform.call('PUT', `${extensionOf(own)}/schedule`, schedule)).body).toMatchObject(schedule)

    await fixture.client.plans.delete(plan.id)
    await fixture.client.instances.delete(own)
    const { body } = await platform.call('GET', `${extensionOf(own)}/backups`)
    expect(body.backups).toHaveLength(1)
    const target = await registerDatabase(fixture, fixture.agent, { items: ['rescued'] })
    const path = `${extensionOf(own)}/backups/${body.backups[0].id}/restores`
    const restore = await platform.call('POST', path, { service_instance: target, database: 'rescued' })
    expect([restore.status, restore.body.description]).toEqual([202, undefined])
    expect(await waitFor(own, restore.body.operation)).toMatchObject({ state: 'succeeded' })
    expect(await readFile(join(fixture.folder, 'scripts/restore.rescued'), 'utf8')).toBe('the content of shop\n')
  })

  test('reaches what its account was granted, and nothing else', async () => {
    const limited = await Platform.create(fixture, 'limited', [await registerDatabase(fixture, fixture.agent)])
    const { shop: backup } = await backUp(protector)
    for (const path of ['', `/${backup.id}`, `/${backup.id}/content`]) {
      for (const id of [database, protector]) {
        const { status } = await limited.call('GET', `${extensionOf(id)}/backups${path}`)
        expect([path, status]).toEqual([path, 404])
      }
    }
    const wanted = { service_id: SERVICE, plan_id: DAILY, parameters: { service_instance: database } }
    expect((await limited.provision(randomUUID(), wanted)).status).toBe(400)
  })
})
