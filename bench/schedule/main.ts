import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type ManagerProcess, makeTemporaryFolder, startManagerProcess } from '@osb-backup/testkit'
import { Client } from 'pg'
import { type QuickAgent, startQuickAgent } from './quick-agent.ts'
import { printTableSizes } from './table-sizes.ts'
import { measureTicks } from './ticks.ts'
import { measureTrivialBackup } from './trivial-backup.ts'

const help = `npm run bench -- schedule [--plans 1000,10000,100000] [--seconds 60] [--rate 100]: the cost of a query for due plans with none due,
how fast due plans become jobs, and how late jobs start at that rate of due plans per second; on the embedded PostgreSQL; and how large
its tables are after a year of 10,000 daily plans.`

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    plans: { type: 'string', default: '1000,10000,100000' },
    seconds: { type: 'string', default: '60' },
    rate: { type: 'string', default: '100' },
  },
})

const INSTANCES = 20
const START_IN_MS = 5000
const YEAR_PLANS = 10_000

async function run(): Promise<void> {
  const sizes = values.plans.split(',').map(Number)
  const [seconds, rate] = [Number(values.seconds), Number(values.rate)]
  await using folder = await makeTemporaryFolder()
  const store = join(folder.path, 'store')
  await mkdir(store)
  const manager = await startManagerProcess({
    DATA_DIR: join(folder.path, 'manager'),
    FILE_DESTINATION_ROOT: store,
    LOG_LEVEL: 'error',
    MAX_RUNNING_JOBS: '1000',
    MAX_RUNNING_JOBS_PER_AGENT: '1000',
    MAX_RUNNING_JOBS_PER_DESTINATION: '1000',
  })
  const agent = await startQuickAgent()
  const connection = { host: join(folder.path, 'manager', 'postgres'), user: 'osb_backup', database: 'postgres' }
  const sql = new Client(connection)
  await sql.connect()
  try {
    await makeInstances(manager, agent, store)
    const idleBytes = await residentBytes(manager.pid)
    const trivialMs = await measureTrivialBackup(manager.client, folder.path, store)
    console.log(`a trivial backup with a real agent, from the call to its end: ${trivialMs} ms\n`)
    console.log('plans      idle tick    plans made due in a second')
    for (const size of sizes) {
      await addPlans(sql, size)
      process.kill(manager.pid, 'SIGSTOP')
      const { idleMs, perSecond } = await measureTicks(connection, sql).finally(() =>
        process.kill(manager.pid, 'SIGCONT'),
      )
      console.log(`${String(size).padEnd(11)}${idleMs.toFixed(2).padStart(6)} ms${perSecond.toFixed(0).padStart(18)}`)
    }
    console.log(`\n${rate} plans due each second for ${seconds} seconds, among ${sizes.at(-1)}:`)
    const delays = await measureDelays(sql, agent, { rate, seconds })
    console.log(
      `due to begun at the agent: p50 ${at(delays, 0.5)} ms, p99 ${at(delays, 0.99)} ms, most ${at(delays, 1)} ms`,
    )
    const megabytes = (bytes: number) => `${(bytes / 1_000_000).toFixed(0)} MB`
    const busyBytes = await residentBytes(manager.pid)
    console.log(`memory of the manager: ${megabytes(idleBytes)} idle, ${megabytes(busyBytes)} at the end of that`)
    process.kill(manager.pid, 'SIGSTOP')
    await printTableSizes(sql, YEAR_PLANS).finally(() => process.kill(manager.pid, 'SIGCONT'))
  } finally {
    agent.close()
    await sql.end()
    await manager.stop()
  }
}

async function makeInstances({ client }: ManagerProcess, agent: QuickAgent, directory: string): Promise<void> {
  for (let index = 0; index < INSTANCES; index++) {
    const id = `i-${index}`
    const { id: agentId } = await client.agents.create({ url: agent.url, username: 'agent', password: 'agent' })
    const hosts = [{ address: '10.0.0.5', port: 5432 }]
    await client.instances.create({ id, agentId, hosts, database: { username: id } })
    const store = { kind: 'file' as const, directory: join(directory, id) }
    await client.destinations.create({ instanceId: id, name: 'files', store })
  }
}

/** Adds daily plans, due in the coming months, up to a number. */
async function addPlans(sql: Client, size: number): Promise<void> {
  await sql.query(
    `insert into backup_plans (id, instance_id, destination_id, name, paused, compression, frequency, timezone,
       retention_style, retention_period, items, next_due_at, next_run_at, retention_due_at)
     select lpad(to_hex(n), 24, '0'), d.instance_id, d.id, 'plan ' || n, false, false, '0 0 2 * * *', 'Europe/Berlin',
       'FILES', 7, '["db"]', now() + interval '30 days' + n * interval '1 second', now() + interval '30 days' + n * interval '1 second',
       now() + interval '1 day'
     from generate_series(1, $1) n
     join file_destinations d on d.instance_id = 'i-' || (n % ${INSTANCES})
     on conflict do nothing`,
    [size],
  )
  await sql.query('vacuum analyze backup_plans')
}

/** Makes a number of plans due each second, and measures how long after that each begins at its agent. */
async function measureDelays(
  sql: Client,
  { arrivals }: QuickAgent,
  { rate, seconds }: { rate: number; seconds: number },
): Promise<number[]> {
  const startAt = new Date(Date.now() + START_IN_MS)
  await sql.query(
    `update backup_plans p set next_due_at = due.at, next_run_at = due.at
     from (select id, $1::timestamptz + ((row_number() over (order by id) - 1) / $2) * interval '1 second' as at
           from backup_plans order by id limit $3) due
     where due.id = p.id`,
    [startAt, rate, rate * seconds],
  )
  const endAt = startAt.getTime() + seconds * 1000 + 120_000
  while (arrivals.size < rate * seconds) {
    if (Date.now() > endAt) throw new Error(`only ${arrivals.size} of ${rate * seconds} jobs began`)
    await sleep(500)
  }
  await sleep(2000)
  const { rows } = await sql.query<{ id: string; due_at: Date; status: string }>(
    'select id, due_at, status from jobs where due_at is not null',
  )
  const unfinished = rows.filter((row) => row.status !== 'SUCCEEDED')
  if (unfinished.length > 0) throw new Error(`${unfinished.length} jobs did not succeed`)
  return rows.map((row) => (arrivals.get(row.id) ?? Number.NaN) - row.due_at.getTime()).toSorted((a, b) => a - b)
}

const at = (sorted: readonly number[], share: number) => sorted[Math.ceil(sorted.length * share) - 1]

async function residentBytes(pid: number): Promise<number> {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))
  return Number(found?.[1]) * 1024
}

if (values.help) console.log(help)
else await run()
