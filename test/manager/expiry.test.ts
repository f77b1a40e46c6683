import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Context } from '../../packages/manager/src/context/context.ts'
import { type Database, openDatabase } from '../../packages/manager/src/database/open-database.ts'
import { deleteExpiredRecords } from '../../packages/manager/src/expiry/service.ts'
import { compactJobCounters } from '../../packages/manager/src/jobs/service.ts'
import { readSettings } from '../../packages/manager/src/settings/settings.ts'
import { ManagerClock } from '../../packages/manager/src/shared/manager-clock.ts'
import { insertPlan, makeDatabase, type OwnDatabase } from './own-database.ts'

let own: OwnDatabase
let database: Database
let context: Pick<Context, 'database' | 'settings' | 'clock' | 'log'>

beforeAll(async () => {
  own = await makeDatabase()
  const log = pino({ level: 'silent' })
  database = await openDatabase({ connectionString: own.url }, log)
  context = { database, settings: readSettings({}), clock: new ManagerClock(), log }
  await insertPlan(own)
})
afterAll(async () => {
  await database.destroy()
  await own[Symbol.asyncDispose]()
})

/** Inserts a backup job of one part that ended some days ago. */
async function insertJob(id: string, days: number): Promise<void> {
  await own.query(
    `insert into jobs (id, kind, status, instance_id, plan_id, destination_id, started_at, ended_at)
     values ($1, 'backup', 'SUCCEEDED', 'i', 'p', 'd', now() - make_interval(days => $2), now() - make_interval(days => $2))`,
    [id, days],
  )
  await own.query(
    `insert into job_parts (job_id, position, item, database, status, agent_status, ended_at)
     select id, 0, 'db', 'db', status, '{"backup_log": "printed", "filename": "f"}', ended_at from jobs where id = $1`,
    [id],
  )
}

/** Copies a job some times. */
async function copyJob(id: string, times: number): Promise<void> {
  const columns = 'kind, status, instance_id, plan_id, destination_id, started_at, ended_at'
  await own.query(
    `insert into jobs (id, ${columns}) select 'old-' || n, ${columns} from jobs, generate_series(1, $2::int) n where id = $1`,
    [id, times],
  )
}

const insertPoint = (jobId: string, deletedDaysAgo: number | undefined) =>
  own.query(
    `insert into restore_points (id, job_id, plan_id, instance_id, destination_id, item, prefix, filename, size_bytes,
       transformed_by, compression_requested, compression, encrypted, taken_at, suspicious, deleted_at)
     values ('point of ' || $1, $1, 'p', 'i', 'd', 'db', 'x', $1, 1, 'agent', false, 'none', false, now(), false,
       now() - make_interval(days => $2))`,
    [jobId, deletedDaysAgo],
  )

const idsOf = async (table: string) =>
  (await own.query<{ id: string }>(`select id::text from ${table} order by id`)).map((row) => row.id)

test('expired jobs are deleted in batches, but for those that something needs', async () => {
  await insertJob('old-0', 400)
  await copyJob('old-0', 1199)
  for (const id of ['with-point', 'with-lock', 'to-retry']) await insertJob(id, 500)
  await insertJob('recent', 300)
  await insertPoint('with-point', undefined)
  await insertPoint('old-1', 10)
  await own.query(`update job_parts set locked_since = now() where job_id = 'with-lock'`)
  await own.query(`update backup_plans set retry_of_job_id = 'to-retry' where id = 'p'`)

  await deleteExpiredRecords(context, new AbortController().signal)
  expect(await idsOf('jobs')).toEqual(['recent', 'to-retry', 'with-lock', 'with-point'])

  // Their parts have no output of scripts any more, except where a database is locked.
  const statuses = await own.query('select job_id, agent_status from job_parts order by job_id')
  const stripped = { filename: 'f' }
  expect(statuses).toEqual([
    { job_id: 'recent', agent_status: stripped },
    { job_id: 'to-retry', agent_status: stripped },
    { job_id: 'with-lock', agent_status: { backup_log: 'printed', ...stripped } },
    { job_id: 'with-point', agent_status: stripped },
  ])
  while (await compactJobCounters(context));
  await deleteExpiredRecords(context, new AbortController().signal)
  const counted = await own.query('select sum(count)::int as jobs, count(*)::int as days from job_counters')
  expect(counted).toEqual([{ jobs: 4, days: 2 }])
})

test('records of deleted restore points expire, but for the newest of an item, whose sizes are compared', async () => {
  await own.query('delete from restore_points')
  for (let number = 10; number < 40; number++) await insertPoint(`job-${number}`, 100)
  await insertPoint('job-40', 10)
  await deleteExpiredRecords(context, new AbortController().signal)
  // 31 points; those with more than 20 newer ones are deleted.
  expect(await idsOf('restore_points')).toEqual(Array.from({ length: 21 }, (_, index) => `point of job-${index + 20}`))
})

test('runs, audit entries and object names expire; nothing else may delete an audit entry', async () => {
  await own.query(`insert into plan_runs (plan_id, due_at, last_due_at, runs, outcome, late, decided_at)
    select 'p', at, at, 1, 'MISSED', false, at from unnest(array[now() - interval '91 days', now() - interval '89 days']) at`)
  await own.query(`insert into audit_entries (at, caller_kind, caller_id, caller_name, address, action, path, status)
    select at, 'token', 't', 't', '', '', '', 200 from unnest(array[now() - interval '731 days', now() - interval '729 days']) at`)
  await own.query(`insert into object_names (prefix, name, given_at)
    values ('x', 'old', now() - interval '401 days'), ('x', 'new', now() - interval '399 days')`)
  await deleteExpiredRecords(context, new AbortController().signal)
  for (const table of ['plan_runs', 'audit_entries', 'object_names']) {
    expect(await own.query(`select count(*)::int from ${table}`)).toEqual([{ count: 1 }])
  }
  await expect(own.query('delete from audit_entries')).rejects.toThrow('append-only')
  await expect(own.query(`update audit_entries set status = 1`)).rejects.toThrow('append-only')
})

test('resolved alarms and delivered notifications expire in batches; what is open or waits stays', async () => {
  const days = `unnest(array_fill(91, array[700]) || array[89]) with ordinality as each (days, n)`
  await own.query(`insert into notification_channels (id, name, enabled, transport, rules, created_at)
    values ('c', 'c', true, '{"kind": "command"}', '[]', now())`)
  await own.query(`insert into alarms (id, kind, severity, object_kind, object_id, object_name, sentence, advice, bad_count,
      good_count, since, until)
    select n::text, 'agent-offline', 'warning', 'agent', n::text, 'a', '', '', 1, 1, now() - make_interval(days => 100),
      now() - make_interval(days => days) from ${days}
    union all select 'open', 'agent-offline', 'warning', 'agent', 'a', 'a', '', '', 1, 0, now() - interval '100 days', null`)
  await own.query(`insert into notifications (id, channel_id, event, state_key, content, created_at, next_attempt_at)
    select n::text, 'c', 'raised', n::text, '{}'::jsonb, now() - make_interval(days => days), null from ${days}
    union all select 'waits', 'c', 'raised', 'waits', '{}'::jsonb, now() - interval '100 days', now()`)
  await deleteExpiredRecords(context, new AbortController().signal)
  expect(await idsOf('alarms')).toEqual(['701', 'open'])
  expect(await idsOf('notifications')).toEqual(['701', 'waits'])
})

test('nothing expires while the clock is not trusted', async () => {
  await insertJob('old', 400)
  await own.query('insert into clock_jumps (detected_at, jump_seconds) values (now(), 999999)')
  await deleteExpiredRecords(context, new AbortController().signal)
  expect(await idsOf('jobs')).toContain('old')
})
