import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { levelsByDay } from '../../packages/core/src/trend.ts'
import type { Grants } from '../../packages/manager/src/access/caller.ts'
import { searchAgents } from '../../packages/manager/src/agents/repository.ts'
import { type Database, openDatabase } from '../../packages/manager/src/database/open-database.ts'
import { searchDestinations } from '../../packages/manager/src/destinations/repository.ts'
import { searchInstanceIds, searchInstances } from '../../packages/manager/src/instances/repository.ts'
import { searchJobs } from '../../packages/manager/src/jobs/search-repository.ts'
import { searchPlans } from '../../packages/manager/src/plans/search-repository.ts'
import { compactCounters, pointsByItem } from '../../packages/manager/src/restore-points/counters-repository.ts'
import { searchPoints } from '../../packages/manager/src/restore-points/search-repository.ts'
import {
  compactStoredBytes,
  readStoredBytes,
} from '../../packages/manager/src/restore-points/stored-bytes-repository.ts'
import { Sealer } from '../../packages/manager/src/secrets/sealing.ts'
import { dumpDays, storedDays } from '../../packages/manager/src/trends/repository.ts'
import { makeDatabase, type OwnDatabase } from './own-database.ts'
import { rowsHandledBy } from './rows-handled.ts'

const INSTANCES = 1000
/** Of two years; half of them of one instance. */
const JOBS = 20_000
const LIMIT = 100
/** A page reads its entries and what belongs to them: far fewer rows than the list has. */
const ROWS_OF_A_PAGE = 15 * LIMIT
const DAY_MS = 86_400_000
const DAYS = 30

const key = randomBytes(32)
const sealer = new Sealer(() => ({ current: key, others: [] }))
let own: OwnDatabase
let database: Database

beforeAll(async () => {
  own = await makeDatabase()
  database = await openDatabase({ connectionString: own.url }, pino({ level: 'silent' }))
  const each = `generate_series(1, ${INSTANCES}) n`
  await own.query(`insert into agents (id, url, username, implicit, created_at)
    select 'a' || n, 'http://a' || n, 'a', false, now() - n * interval '1 hour' from ${each}`)
  await own.query(`insert into service_instances (id, parameters, hosts, backup_host, backup_port, agent_id, created_at)
    select 'i' || n, '{}', '[{"name": "h", "ip": "h"}]', 'h' || n, 1, 'a' || n, now() - n * interval '1 hour' from ${each}`)
  await own.query(`insert into file_destinations (id, instance_id, name, store, created_at)
    select 'd' || n, 'i' || n, 'files', '{"type": "FILE", "directory": "/d"}', now() - n * interval '1 hour' from ${each}`)
  await own.query(`insert into backup_plans (id, instance_id, destination_id, name, paused, compression, frequency, timezone,
      retention_style, retention_period, items, created_at)
    select 'p' || n, 'i' || n, 'd' || n, 'plan', true, false, '', 'UTC', 'ALL', 1, '["db"]', now() - n * interval '1 hour' from ${each}`)
  await own.query(`insert into jobs (id, kind, status, instance_id, plan_id, destination_id, started_at, ended_at)
    select 'j' || n, 'backup', case when n % 50 = 0 then 'FAILED' else 'SUCCEEDED' end, 'i' || i, 'p' || i, 'd' || i, at, at
    from generate_series(1, ${JOBS}) n,
      lateral (select case when n % 2 = 0 then 1 else 1 + n % ${INSTANCES} end as i, now() - interval '2 years' * n / ${JOBS} as at) of_job`)
  await own.query(`insert into job_parts (job_id, position, item, database, status, ended_at)
    select id, 0, 'db', 'db', status, ended_at from jobs`)
  await own.query(`insert into restore_points (id, job_id, plan_id, instance_id, destination_id, item, prefix, filename, size_bytes,
      transformed_by, compression_requested, compression, encrypted, taken_at, suspicious)
    select id, id, plan_id, instance_id, destination_id, 'db', plan_id || '/', id, 1000, 'agent', false, 'none', false, started_at, false
    from jobs where status = 'SUCCEEDED' order by started_at`)
  await own.query(
    `update restore_points set deleted_at = taken_at + interval '90 days' where taken_at < now() - interval '95 days'`,
  )
})
afterAll(async () => {
  await database.destroy()
  await own[Symbol.asyncDispose]()
})

/** What was stored at the end of each of the last days, by the restore points themselves. */
async function countLevels(now: Date, instances: readonly string[]) {
  return own.query<{ day: string; value: number }>(
    `select day::date::text as day, (
        select coalesce(sum(size_bytes), 0)::float from restore_points
        where (taken_at at time zone 'UTC')::date <= day and ($3 or instance_id = any($2))
          and (deleted_at is null or (deleted_at at time zone 'UTC')::date > day)
      ) as value
     from generate_series(($1::timestamptz at time zone 'UTC')::date - ${DAYS - 1}, ($1::timestamptz at time zone 'UTC')::date, interval '1 day') day
     order by day`,
    [now, instances, instances.length === 0],
  )
}

async function readLevels(now: Date, scope: Grants) {
  const since = new Date(now.getTime() - (DAYS - 1) * DAY_MS).toISOString().slice(0, 10)
  const { current, changes } = await readStoredBytes({ database }, scope, since)
  return levelsByDay(current, changes, { now, days: DAYS })
}

test('what was stored on each day agrees with the restore points, before and after it is compacted, and when they are deleted', async () => {
  const [clock] = await own.query<{ now: Date }>('select now()')
  const now = clock?.now ?? new Date(0)
  const compare = async () => {
    expect(await readLevels(now, 'all')).toEqual(await countLevels(now, []))
    expect(await readLevels(now, ['i1', 'i7'])).toEqual(await countLevels(now, ['i1', 'i7']))
  }
  await compare()
  while (await compactStoredBytes({ database }));
  while (await compactCounters({ database }));
  expect(await own.query('select from stored_bytes_changes')).toEqual([])
  await compare()
  await own.query(
    `update restore_points set deleted_at = now() - interval '3 days' where id in ('j100', 'j101', 'j102')`,
  )
  await own.query(`update restore_points set deleted_at = null where id = 'j101'`)
  await own.query(`update restore_points set verified_state = 'intact' where id = 'j103'`)
  await compare()

  // A record that expires leaves the past as it was; one of an object that is stored is missing from now on.
  const before = await readLevels(now, 'all')
  await own.query(`delete from restore_points where id = 'j102'`)
  expect(await readLevels(now, 'all')).toEqual(before)
  await own.query(`delete from restore_points where id = 'j103'`)
  const after = await readLevels(now, 'all')
  expect(after.slice(0, -1)).toEqual(before.slice(0, -1))
  expect(after.at(-1)?.value).toBe((before.at(-1)?.value ?? 0) - 1000)
})

const scope = 'all'
const page = { limit: LIMIT, after: undefined }
const context = (db: Database) => ({ database: db, sealer })
/** A day long ago, of which few jobs and restore points are. */
const since = new Date(Date.now() - 60 * DAY_MS)
const day = { since, until: new Date(since.getTime() + DAY_MS) }
const large = ['i1']
const lately = new Date(Date.now() - 5 * DAY_MS)

const reads: Record<string, (db: Database) => Promise<unknown>> = {
  'the instances': (db) => searchInstances(context(db), { scope }, page),
  'the ids of instances': (db) => searchInstanceIds(context(db), { scope }, page),
  'the plans': (db) => searchPlans(context(db), { scope }, page),
  'the plans of a destination': (db) => searchPlans(context(db), { scope, destinationId: 'd7' }, page),
  'the destinations': (db) => searchDestinations(context(db), { scope }, page),
  'the agents': (db) => searchAgents(context(db), { scope, includesUnused: true }, page),
  'the jobs': (db) => searchJobs(context(db), { scope }, page),
  'the jobs of a kind that has none': (db) => searchJobs(context(db), { scope, kind: 'restore' }, page),
  'failed jobs': (db) => searchJobs(context(db), { scope, status: 'FAILED' }, page),
  'cancelled jobs': (db) => searchJobs(context(db), { scope, status: 'FAILED', isCancelled: true }, page),
  'running jobs': (db) => searchJobs(context(db), { scope, status: 'RUNNING' }, page),
  'the jobs of a day': (db) => searchJobs(context(db), { scope, ...day }, page),
  'the jobs of an instance': (db) => searchJobs(context(db), { scope: large }, page),
  'the jobs of an instance and a kind': (db) => searchJobs(context(db), { scope: large, kind: 'verify' }, page),
  'the jobs of a plan': (db) => searchJobs(context(db), { scope, planId: 'p7' }, page),
  'the restore points': (db) => searchPoints(context(db), { scope }, page),
  'held restore points': (db) => searchPoints(context(db), { scope, held: true }, page),
  'damaged restore points': (db) => searchPoints(context(db), { scope, verified: 'damaged' }, page),
  'suspicious restore points': (db) => searchPoints(context(db), { scope, suspicious: true }, page),
  'restore points that are deleted': (db) => searchPoints(context(db), { scope, deleting: true }, page),
  'the restore points of a day': (db) => searchPoints(context(db), { scope, ...day }, page),
  'the restore points of an instance': (db) => searchPoints(context(db), { scope: large }, page),
  'the restore points of an instance and a day': (db) => searchPoints(context(db), { scope: large, ...day }, page),
  'the restore points of a plan': (db) => searchPoints(context(db), { scope, planId: 'p7' }, page),
  'the restore points of a job': (db) => searchPoints(context(db), { scope, jobId: 'j7' }, page),
  'how the dumps of an instance developed': (db) =>
    dumpDays(context(db), { instanceId: 'i1', item: undefined, since: lately }),
  'how the storage of an instance developed': (db) =>
    storedDays(context(db), { instanceId: 'i1', item: 'db', since: lately }),
  'the protection of a page of instances': (db) =>
    pointsByItem(
      context(db),
      Array.from({ length: LIMIT }, (_, index) => `i${index + 1}`),
      new Date(),
    ),
}

describe('how many rows are read', () => {
  beforeAll(() => own.query('analyze'))

  test.for(Object.entries(reads))('%s, without the rest of the list', async ([, read]) => {
    expect(await rowsHandledBy(own.url, read)).toBeLessThan(ROWS_OF_A_PAGE)
  })

  test('how all storage developed, by day and not by instance', async () => {
    const since = day.since.toISOString().slice(0, 10)
    const rows = await rowsHandledBy(own.url, (db) => readStoredBytes({ database: db }, 'all', since))
    // The counters of each instance, and a row for each day.
    expect(rows).toBeLessThan(5 * INSTANCES)
  })
})
