import { type ManagerProcess, makeTemporaryFolder, startManagerProcess } from '@osb-backup/testkit'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { dropDatabase, recreateDatabase } from './databases.ts'
import { jobEnd, makePlan, registerInstance, runBackup, startAgentWith } from './fixture.ts'

const server = inject('lab').postgresql
const item = 'overlap'
const copy = 'overlap_copy'
const ROWS = 100_000
let stack: AsyncDisposableStack
let manager: ManagerProcess
let agent: Awaited<ReturnType<typeof startAgentWith>>

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  for (const database of [item, copy]) {
    await recreateDatabase(server.url, database)
    stack.defer(() => dropDatabase(server.url, database))
  }
  const data = stack.use(await makeTemporaryFolder())
  agent = stack.use(await startAgentWith('postgresql'))
  manager = await startManagerProcess({ DATA_DIR: data.path, FILE_DESTINATION_ROOT: agent.folder })
  stack.defer(() => manager.stop())
})

afterAll(() => stack.disposeAsync())

async function query<Row extends object>(database: string, text: string): Promise<Row[]> {
  const url = new URL(server.url)
  url.pathname = `/${database}`
  const client = new Client(url.href)
  await client.connect()
  try {
    return (await client.query<Row>(text)).rows
  } finally {
    await client.end()
  }
}

test('a backup that is started right after a restore of its database contains every row that was restored', async () => {
  await query(item, `create table entries as select n, repeat('x', 100) as text from generate_series(1, ${ROWS}) n`)
  await registerInstance(manager.client, 'overlap', server, agent)
  const destination = { name: 'files', store: { kind: 'file', directory: agent.folder } } as const
  const plan = await makePlan(manager.client, 'overlap', [item], destination, {
    retention: { style: 'count', period: 1 },
  })
  const before = await runBackup(manager.client, plan)
  expect(before.state).toBe('succeeded')
  await query(item, 'drop table entries')

  const [point] = (await manager.client.restorePoints.list({ job: before.id })).items
  const restore = await manager.client.restorePoints.restore(point?.id ?? '')
  const backup = await manager.client.plans.run(plan.id, { wait: true })
  const again = await manager.client.restorePoints.restore(point?.id ?? '')
  const jobs = [
    await jobEnd(manager.client, restore.id),
    await jobEnd(manager.client, backup.id),
    await jobEnd(manager.client, again.id),
  ]
  expect(jobs.map((job) => job.state)).toEqual(['succeeded', 'succeeded', 'succeeded'])

  const [newest] = (await manager.client.restorePoints.list({ job: backup.id })).items
  const last = await manager.client.restorePoints.restore(newest?.id ?? '', { database: copy })
  expect((await jobEnd(manager.client, last.id)).state).toBe('succeeded')
  const counts = [item, copy].map((name) =>
    query<{ count: number }>(name, 'select count(*)::integer as count from entries'),
  )
  expect((await Promise.all(counts)).flat()).toEqual([{ count: ROWS }, { count: ROWS }])
})
