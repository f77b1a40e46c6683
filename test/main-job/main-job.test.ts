import { createHash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import type { BackupPlan } from '@osb-backup/protocol'
import { openStore, type StoreSettings } from '@osb-backup/storage'
import { type ManagerProcess, makeTemporaryFolder, startManagerProcess } from '@osb-backup/testkit'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { dropDatabase, fillDatabase, fingerprintOf, recreateDatabase, withDatabase } from './databases.ts'
import { makePlaces, places } from './places.ts'
import { errorsOf, jobEnd, makePlan, registerInstance, runBackup, startAgentWith } from './world.ts'

const ROWS = 300_000
const items = ['main-job', 'Größe & Maß 中文']
const lab = inject('lab')
const server = lab.postgresql
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

const managers = {
  'the embedded PostgreSQL': async (): Promise<Record<string, string>> => ({}),
  'a PostgreSQL of the user': async () => {
    await recreateDatabase(server.url, 'manager')
    const url = new URL(server.url)
    url.pathname = '/manager'
    return { DATABASE_URL: url.href }
  },
}

describe.each(Object.keys(managers) as (keyof typeof managers)[])('a manager on %s', (kind) => {
  let stack: AsyncDisposableStack
  let manager: ManagerProcess
  let folder: string

  beforeAll(async () => {
    stack = new AsyncDisposableStack()
    const data = stack.use(await makeTemporaryFolder())
    const agent = stack.use(await startAgentWith('postgresql'))
    folder = agent.folder
    manager = await startManagerProcess({
      DATA_DIR: data.path,
      FILE_DESTINATION_ROOT: folder,
      ...(await managers[kind]()),
    })
    stack.defer(() => manager.stop())
    await registerInstance(manager.client, 'source', server, agent)
    await registerInstance(manager.client, 'other', server, agent)
  })

  afterAll(() => stack.disposeAsync())

  test.for(['s3', 'swift', 'file'] as const)(
    'backs up databases to %s and restores them on another instance',
    async (place) => {
      const { destination, store } = places(folder)[place]
      const plan = await makePlan(manager.client, 'source', items, destination)
      const backup = await runBackup(manager.client, plan)
      expect(errorsOf(backup)).toEqual({ [items[0] ?? '']: null, [items[1] ?? '']: null })
      expect(backup.status).toBe('SUCCEEDED')
      expect(backup.endDate).toBeDefined()
      if (backup.jobType !== 'BACKUP') throw new Error('a backup job was expected')
      for (const item of items) {
        const part = backup.agentExecutionReponses[item]
        expect(backup.files[item]).toMatch(new RegExp(`^127\\.0\\.0\\.1_\\d{4}_\\d\\d_\\d\\d_${item}\\.dump\\.zst$`))
        expect(await storedObject(store, `${plan.id}/${backup.files[item]}`)).toEqual({
          sizeBytes: part?.filesize?.size,
          sha256: part?.sha256,
        })
      }

      for (const item of items) await recreateDatabase(server.url, restoredName(item))
      const restore = await manager.client.jobs.startRestore({
        backupJob: { id: backup.id },
        serviceInstance: { service_instance_id: 'other' },
        items: items.map((item) => ({ item, filename: backup.files[item], database: restoredName(item) })),
      })
      const ended = await jobEnd(manager.client, restore.id)
      expect(errorsOf(ended)).toEqual({ [items[0] ?? '']: null, [items[1] ?? '']: null })
      expect(ended).toMatchObject({ status: 'SUCCEEDED', serviceInstance: { service_instance_id: 'other' } })
      for (const item of items) {
        const original = await fingerprintOf(server.url, item)
        expect(Object.keys(original).length).toBeGreaterThan(6)
        expect(await fingerprintOf(server.url, restoredName(item))).toEqual(original)
      }
    },
  )

  test('restores over a damaged database', async () => {
    const [item = ''] = items
    const plan = await makePlan(manager.client, 'source', [item], { ...places(folder).file.destination, name: 'again' })
    const before = await fingerprintOf(server.url, item)
    const backup = await runBackup(manager.client, plan)
    await withDatabase(server.url, item, (client) =>
      client.query(
        `delete from "Büro"."Aufträge (offen)" where id % 2 = 0; update customers set note = null where id = 5; drop table "空表 'quoted' %+"; select lo_unlink(content) from large where id = 3`,
      ),
    )
    const restore = await manager.client.jobs.startRestore({ backupJob: { id: backup.id }, items: [{ item }] })
    const ended = await jobEnd(manager.client, restore.id)
    expect(errorsOf(ended)).toEqual({ [item]: null })
    expect(await fingerprintOf(server.url, item)).toEqual(before)
  })

  test('a second backup of the day gets a name of its own, and removing files leaves the other', async () => {
    const { destination, store } = places(folder).s3
    const [item = ''] = items
    const plan: BackupPlan = await makePlan(manager.client, 'source', [item], { ...destination, name: 'twice' })
    const [first, second] = [await runBackup(manager.client, plan), await runBackup(manager.client, plan)]
    if (first.jobType !== 'BACKUP' || second.jobType !== 'BACKUP') throw new Error('backup jobs were expected')
    expect(second.files[item]).toMatch(/_\d{6}\.dump\.zst$/)
    await manager.client.jobs.removeFiles(first.id)
    const left = await Array.fromAsync(openStore(store).list(`${plan.id}/`))
    expect(left.map((object) => object.name)).toEqual(
      ['', '.manifest.json'].map((ending) => `${plan.id}/${second.files[item]}${ending}`),
    )
    await expect(manager.client.jobs.startRestore({ backupJob: { id: first.id }, items: [{ item }] })).rejects.toThrow(
      'has no restore point of',
    )
  })

  test('what a plan seals for its recipient is opened again with the key it keeps', async () => {
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
      { publicKey, privateKey },
    )
    expect(plan).toMatchObject({ publicKey, privateKey: '***' })
    const backup = await runBackup(manager.client, plan)
    expect(errorsOf(backup)).toEqual({ [item]: null })
    if (backup.jobType !== 'BACKUP') throw new Error('a backup job was expected')
    expect(backup.files[item]).toMatch(/\.dump\.zst\.age$/)
    await recreateDatabase(server.url, restoredName(item))
    const restore = await manager.client.jobs.startRestore({
      backupJob: { id: backup.id },
      items: [{ item, database: restoredName(item) }],
    })
    expect(errorsOf(await jobEnd(manager.client, restore.id))).toEqual({ [item]: null })
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
