import { setTimeout as sleep } from 'node:timers/promises'
import type { BackupClient } from '@osb-backup/client'
import type { Client } from 'pg'

/** How much is seeded. */
export interface Amounts {
  instances: number
  plans: number
  jobs: number
  /** Of the jobs, how many belong to one instance: the longest list there is. */
  jobsOfOne: number
}

const COMPACTION_POLL_MS = 1000
const compacted = [
  'job_counter_changes',
  'measurement_changes',
  'restore_point_counter_changes',
  'stored_bytes_changes',
]

/** The instance with the longest list. */
export const LARGE = 'bench-1'

/**
 * Fills the database of a manager. One instance, destination and plan are created by the API, so that their secrets are sealed;
 * the rest are copies of them, by SQL.
 */
export async function seed(client: BackupClient, sql: Client, amounts: Amounts): Promise<void> {
  const agent = await client.agents.create({ url: 'http://127.0.0.1:9', username: 'agent', password: 'a password' })
  await client.instances.create({
    id: LARGE,
    agentId: agent.id,
    hosts: [{ name: 'postgres0', address: '10.0.0.5', port: 5432 }],
    database: { username: 'backup', password: 'a password of a database' },
  })
  const destination = await client.destinations.create({
    instanceId: LARGE,
    name: 'minio',
    store: { kind: 's3', endpoint: 'http://127.0.0.1:9', bucket: 'backups', authKey: 'key', authSecret: 'secret' },
  })
  const plan = await client.plans.create({
    instanceId: LARGE,
    name: 'nightly 1',
    destinationId: destination.id,
    schedule: { cron: '0 0 2 * * *', timezone: 'Europe/Berlin' },
    retention: { style: 'all' },
    items: ['shop'],
    paused: true,
  })
  // A sealed secret opens in its own row alone, so copies have none.
  await copyRows(sql, 'service_instances', LARGE, amounts.instances - 1, {
    id: `'bench-' || (n + 1)`,
    sealed_database_password: 'null',
    // Each has a database of its own: at most one job works on one.
    backup_host: `'postgres' || n`,
  })
  await copyRows(sql, 'file_destinations', destination.id, amounts.instances - 1, {
    id: `'destination-' || (n + 1)`,
    sealed_store_secrets: 'null',
    instance_id: `'bench-' || (n + 1)`,
  })
  await copyRows(sql, 'backup_plans', plan.id, amounts.plans - 1, {
    id: `'plan-' || (n + 1)`,
    name: `'nightly ' || (n + 1)`,
    instance_id: `'bench-' || (1 + n % ${amounts.instances})`,
    destination_id: `case when n % ${amounts.instances} = 0 then '${destination.id}' else 'destination-' || (1 + n % ${amounts.instances}) end`,
  })
  await seedJobs(sql, amounts)
  await compact(sql)
  await sql.query('vacuum (analyze)')
}

/** Waits until the manager has compacted what its counters counted: that takes a part of a processor. */
async function compact(sql: Client): Promise<void> {
  for (const table of compacted) {
    while ((await sql.query(`select from ${table} limit 1`)).rowCount !== 0) await sleep(COMPACTION_POLL_MS)
  }
}

/** Copies a row, with the values of some columns as SQL expressions of `n`, from 1. */
async function copyRows(
  sql: Client,
  table: string,
  id: string,
  count: number,
  changed: Record<string, string>,
): Promise<void> {
  const found = await sql.query(
    'select column_name as name from information_schema.columns where table_schema = $1 and table_name = $2',
    ['public', table],
  )
  const names: string[] = found.rows.map(({ name }) => name)
  const values = names.map((name) => changed[name] ?? `copied.${name}`)
  await sql.query(
    `insert into ${table} (${names.join(', ')})
     select ${values.join(', ')} from ${table} copied, generate_series(1, ${count}) n where copied.id = $1`,
    [id],
  )
}

/** Jobs of the last two years, each with a part and the logs of an ordinary run, and what they left. */
async function seedJobs(sql: Client, { instances, plans, jobs, jobsOfOne }: Amounts): Promise<void> {
  const agentStatus = {
    status: 'SUCCEEDED',
    message: 'backup successfully carried out',
    filename: '10.0.0.5_2026_03_01_shop.dump.zst',
    filesize: { size: 1_000_000, unit: 'byte' },
    backup_log: 'pg_dump: dumping contents of table "public.orders"\n'.repeat(10),
  }
  await sql.query(
    `insert into jobs (id, kind, status, instance_id, plan_id, destination_id, compression, started_at, ended_at)
     select lpad(to_hex(n), 24, '0'), 'backup', case when n % 50 = 0 then 'FAILED' else 'SUCCEEDED' end,
       plan.instance_id, plan.id, plan.destination_id, true, at, at + interval '1 minute'
     from generate_series(1, ${jobs}) n
     cross join lateral (select now() - interval '2 years' + n * interval '2 years' / ${jobs} as at) times
     join (select row_number() over (order by instance_id = '${LARGE}' desc, id) as number, * from backup_plans) plan
       on plan.number = case when n % ${jobs} < ${jobsOfOne} then 1 + n % ${Math.trunc(plans / instances)} else 1 + n % ${plans} end`,
  )
  await sql.query(
    `insert into job_parts (job_id, position, item, database, status, filename, accepted, agent_status, ended_at)
     select id, 0, 'shop', 'shop', status, $1, true, $2, ended_at from jobs`,
    [agentStatus.filename, JSON.stringify(agentStatus)],
  )
  await sql.query(
    `insert into restore_points (id, job_id, plan_id, instance_id, destination_id, item, prefix, filename, size_bytes, compression,
       encrypted, taken_at, suspicious, transformed_by,
       compression_requested)
     select id, id, plan_id, instance_id, destination_id, 'shop', plan_id || '/', $1, 1000000, 'zstd', false, started_at, false, 'agent', true
     from jobs where status = 'SUCCEEDED'`,
    [agentStatus.filename],
  )
}
