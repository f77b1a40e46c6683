import type { Page } from '@osb-backup/protocol'
import type { ManagerProcess } from '@osb-backup/testkit'
import { Kysely, PostgresDialect } from 'kysely'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../packages/manager/src/database/open-database.ts'
import type { Tables } from '../../packages/manager/src/database/schema.ts'
import { compactCounters } from '../../packages/manager/src/jobs/counters-repository.ts'
import { registerInstance, unreachableAgent } from '../fixtures/register-instance.ts'
import { type OwnDatabase, startManagerOnDatabase } from '../manager/own-database.ts'

let stack: AsyncDisposableStack
let manager: ManagerProcess
let database: OwnDatabase
let tables: Database

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  const running = stack.use(await startManagerOnDatabase())
  manager = running.manager
  database = running.database
  const pool = new Pool({ connectionString: database.url })
  tables = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  stack.defer(() => tables.destroy())
  const { client } = manager
  for (const id of ['listed', 'other']) {
    await registerInstance(client, id, unreachableAgent)
    await client.destinations.create({
      instanceId: id,
      name: 's3',
      store: { kind: 's3', endpoint: 'http://127.0.0.1:9', bucket: 'b', authKey: 'k', authSecret: 's' },
    })
  }
})

afterAll(() => stack.disposeAsync())

/** Jobs of three weeks, at times that often coincide, on days that have none, one or many. */
async function addJobs(prefix: string, count: number): Promise<void> {
  await database.query(
    `insert into jobs (id, kind, status, instance_id, plan_id, source_job_id, destination_id, started_at)
     select $1 || n || d.instance_id, case when n % 7 = 0 then 'restore' else 'backup' end,
       (array['SUCCEEDED', 'FAILED', 'RUNNING'])[1 + n * n % 3], d.instance_id, 'plan', 'source', d.id,
       '2026-03-01T00:00:00Z'::timestamptz + make_interval(days => n * n % 21, hours => (n % 3) * 8)
     from generate_series(1, $2::int) n, file_destinations d`,
    [prefix, count],
  )
}

async function idsOfAllPages(path: string, size: number): Promise<{ ids: string[]; totals: Set<number> }> {
  const ids: string[] = []
  const totals = new Set<number>()
  for (let number = 0; ; number++) {
    const url = new URL(manager.url + path)
    for (const [name, value] of Object.entries({ size, page: number })) url.searchParams.set(name, String(value))
    const response = await fetch(url, { headers: { authorization: `Bearer ${manager.token}` } })
    const page = (await response.json()) as Page<{ id: string }>
    ids.push(...page.content.map(({ id }) => id))
    totals.add(page.totalElements)
    if (page.last) return { ids, totals }
  }
}

async function expectSameAsInDatabase(): Promise<void> {
  for (const [path, where] of [
    ['backupJobs/byInstance/listed', "kind = 'backup'"],
    ['restoreJobs/byInstance/listed', "kind = 'restore'"],
    ['backupJobs/byInstance/listed/filtered?jobStatus=FAILED', "kind = 'backup' and status = 'FAILED'"],
    ['backupJobs/byInstance/listed/filtered?jobStatus=UNKNOWN', "kind = 'backup' and status = 'UNKNOWN'"],
  ] as const) {
    for (const direction of ['asc', 'desc'] as const) {
      const rows = await database.query<{ id: string }>(
        `select id from jobs where instance_id = 'listed' and ${where} order by started_at ${direction}, id ${direction}`,
      )
      const query = `${path.includes('?') ? '&' : '?'}sort=startDate,${direction}`
      const { ids, totals } = await idsOfAllPages(`/${path}${query}`, 17)
      expect([path, direction, ids]).toEqual([path, direction, rows.map(({ id }) => id)])
      expect([path, [...totals]]).toEqual([path, [rows.length]])
    }
  }
}

test('pages hold every job once and in order, and count them all, whatever happened to the jobs', async () => {
  await expectSameAsInDatabase()
  await addJobs('a', 150)
  await expectSameAsInDatabase()
  await compactCounters({ database: tables })
  await expectSameAsInDatabase()
  await addJobs('b', 60)
  await database.query(`update jobs set status = 'FAILED' where status = 'RUNNING' and id like 'a%'`)
  await database.query(`delete from jobs where id like '%3listed' or started_at < '2026-03-05'`)
  await database.query(`update jobs set ended_at = now()`)
  await expectSameAsInDatabase()
  // Compacting at the same time, as several managers would.
  await Promise.all(Array.from({ length: 4 }, () => compactCounters({ database: tables })))
  expect(await database.query('select from job_counter_changes')).toEqual([])
  await expectSameAsInDatabase()
  await database.query('delete from jobs')
  await expectSameAsInDatabase()
})

test('a list by another column is whole too', async () => {
  await addJobs('c', 40)
  const { ids } = await idsOfAllPages('/backupJobs/byInstance/listed?sort=status,asc', 9)
  const rows = await database.query<{ id: string }>(
    `select id from jobs where instance_id = 'listed' and kind = 'backup' order by status, id`,
  )
  expect(ids).toEqual(rows.map(({ id }) => id))
})
