import { createHash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { openStore, type StoreSettings } from '@osb-backup/storage'
import { type ManagerProcess, makeTemporaryFolder, startManagerProcess } from '@osb-backup/testkit'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { dropDatabase, fillDatabase, fingerprintOf, recreateDatabase, withDatabase } from './databases.ts'
import { errorsOf, makePlan, registerInstance, restoreAll, runBackup, startAgentWith } from './fixture.ts'
import { makePlaces, places } from './places.ts'

/** Enough for a dump of two parts of 5 MiB. */
const ROWS = 100_000
const items = ['main-job', 'Größe & Maß 中文']
const lab = inject('lab')
const server = lab.postgresql
type Place = ReturnType<typeof places>[keyof ReturnType<typeof places>]
const restoredName = (item: string) => `${item} restored`

beforeAll(async () => {
  await makePlaces()
  for (const item of items) {
    await recreateDatabase(server.url, item)
    await fillDatabase(server.url, item, ROWS)
  }
})

afterAll(async () => {
  for (const item of items) {
    await dropDatabase(server.url, item)
    await dropDatabase(server.url, restoredName(item))
  }
})

/** A manager with an agent that has the pack, for the tests of a group. */
function useManager(settingsOf: () => Promise<Record<string, string>>) {
  const stack = new AsyncDisposableStack()
  let started: { manager: ManagerProcess; folder: string } | undefined
  beforeAll(async () => {
    const data = stack.use(await makeTemporaryFolder())
    const agent = stack.use(await startAgentWith('postgresql'))
    const manager = await startManagerProcess({
      DATA_DIR: data.path,
      FILE_DESTINATION_ROOT: agent.folder,
      DELETION_GRACE_HOURS: '0',
      ...(await settingsOf()),
    })
    stack.defer(() => manager.stop())
    await registerInstance(manager.client, 'source', server, agent, items)
    await registerInstance(manager.client, 'other', server, agent, items.map(restoredName))
    started = { manager, folder: agent.folder }
  })
  afterAll(() => stack.disposeAsync())
  return () => {
    if (started === undefined) throw new Error('the manager did not start')
    return started
  }
}

/** Backs the databases up, restores them on another instance, and compares. */
async function backUpAndRestore({ client }: ManagerProcess, { destination, store }: Place): Promise<void> {
  const plan = await makePlan(client, 'source', items, destination)
  const backup = await runBackup(client, plan)
  expect(errorsOf(backup)).toEqual({ [items[0] ?? '']: undefined, [items[1] ?? '']: undefined })
  expect(backup.state).toBe('succeeded')
  expect(backup.endedAt).toBeDefined()
  for (const { item, objectName = '', sizeBytes, sha256 } of backup.parts) {
    const name = `^${plan.id}/127\\.0\\.0\\.1_\\d{4}_\\d\\d_\\d\\d_${item}\\.dump\\.zst$`
    expect(objectName).toMatch(new RegExp(name))
    expect(sizeBytes).toBeGreaterThan(5 * 1024 ** 2)
    expect(await storedObject(store, objectName)).toEqual({ sizeBytes, sha256 })
  }

  for (const item of items) await recreateDatabase(server.url, restoredName(item))
  const restores = await restoreAll(client, backup.id, { instanceId: 'other', nameOf: restoredName })
  expect(restores).toHaveLength(items.length)
  for (const restore of restores) {
    expect(Object.values(errorsOf(restore))).toEqual([undefined])
    expect(restore).toMatchObject({ state: 'succeeded', instanceId: 'other' })
  }
  for (const item of items) {
    const original = await fingerprintOf(server.url, item)
    expect(Object.keys(original).length).toBeGreaterThan(6)
    expect(await fingerprintOf(server.url, restoredName(item))).toEqual(original)
  }
}

describe('a manager on a PostgreSQL of the user', () => {
  const used = useManager(async () => {
    await recreateDatabase(server.url, 'manager')
    const url = new URL(server.url)
    url.pathname = '/manager'
    return { DATABASE_URL: url.href }
  })

  test('backs up databases and restores them on another instance', async () => {
    const { manager, folder } = used()
    await backUpAndRestore(manager, places(folder).s3)
  })
})

describe('a manager on the embedded PostgreSQL', () => {
  const used = useManager(async () => ({}))

  test.for(['s3', 'swift', 'file'] as const)(
    'backs up databases to %s and restores them on another instance',
    async (place) => {
      const { manager, folder } = used()
      await backUpAndRestore(manager, places(folder)[place])
    },
  )

  test('restores over a damaged database', async () => {
    const { manager, folder } = used()
    const [item = ''] = items
    const plan = await makePlan(manager.client, 'source', [item], { ...places(folder).file.destination, name: 'again' })
    const before = await fingerprintOf(server.url, item)
    const backup = await runBackup(manager.client, plan)
    await withDatabase(server.url, item, (client) =>
      client.query(
        `delete from "Büro"."Aufträge (offen)" where id % 2 = 0; update customers set note = null where id = 5; drop table "空表 'quoted' %+"; select lo_unlink(content) from large where id = 3`,
      ),
    )
    expect((await restoreAll(manager.client, backup.id)).map(errorsOf)).toEqual([{ [item]: undefined }])
    expect(await fingerprintOf(server.url, item)).toEqual(before)
  })

  test('a second backup of the day gets a name of its own, and removing files leaves the other', async () => {
    const { manager, folder } = used()
    const { destination, store } = places(folder).s3
    const [item = ''] = items
    const plan = await makePlan(manager.client, 'source', [item], { ...destination, name: 'twice' })
    const [first, second] = [await runBackup(manager.client, plan), await runBackup(manager.client, plan)]
    const [{ objectName = '' } = {}] = second.parts
    expect(objectName).toMatch(/_\d{6}\.dump\.zst$/)
    const [point] = (await manager.client.restorePoints.list({ job: first.id })).items
    await manager.client.restorePoints.delete(point?.id ?? '')
    const left = await Array.fromAsync(openStore(store).list(`${plan.id}/`))
    expect(left.map((object) => object.name)).toEqual([objectName, `${objectName}.manifest.json`])
    await expect(manager.client.restorePoints.restore(point?.id ?? '')).rejects.toMatchObject({ status: 404 })
  })

  test('what a plan seals for its recipient is opened again with the key it keeps', async () => {
    const { manager, folder } = used()
    const { generateX25519Identity, identityToRecipient } = await import('age-encryption')
    const privateKey = await generateX25519Identity()
    const publicKey = await identityToRecipient(privateKey)
    const [item = ''] = items
    const { destination } = places(folder).swift
    const plan = await makePlan(
      manager.client,
      'source',
      [item],
      { ...destination, name: 'sealed' },
      { encryption: { publicKey, privateKey } },
    )
    expect(plan.encryption).toEqual({ publicKey, privateKeySet: true })
    const backup = await runBackup(manager.client, plan)
    expect(errorsOf(backup)).toEqual({ [item]: undefined })
    expect(backup.parts[0]?.objectName).toMatch(/\.dump\.zst\.age$/)
    await recreateDatabase(server.url, restoredName(item))
    const restores = await restoreAll(manager.client, backup.id, { instanceId: 'other', nameOf: restoredName })
    expect(restores.map(errorsOf)).toEqual([{ [item]: undefined }])
    expect(await fingerprintOf(server.url, restoredName(item))).toEqual(await fingerprintOf(server.url, item))
  })
})

/** Size and digest of an object, read from its store without the agent or the manager. */
async function storedObject(settings: StoreSettings, name: string): Promise<{ sizeBytes: number; sha256: string }> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  await pipeline(await openStore(settings).get(name), async (content: AsyncIterable<Buffer>) => {
    for await (const chunk of content) {
      hash.update(chunk)
      sizeBytes += chunk.length
    }
  })
  return { sizeBytes, sha256: hash.digest('hex') }
}
