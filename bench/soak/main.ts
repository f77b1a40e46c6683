import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { BackupClient } from '@osb-backup/client'
import { type AgentProcess, makeTemporaryFolder, startAgentProcess, startManagerProcess } from '@osb-backup/testkit'
import { Client } from 'pg'
import { type Holdings, InspectedProcess, inspectable } from './inspected-process.ts'

const help = `npm run bench -- soak [--hours 2] [--plans 60] [--every 60] [--snapshots FOLDER]: what a manager and an agent hold after garbage collection (memory,
descriptors), the size of their database and how late jobs begin, while each plan runs once a minute; sampled at intervals. At the
end, the growth an hour over the second half. Heap snapshots of both, at the first and the last sample, show what grows.`

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    hours: { type: 'string', default: '2' },
    plans: { type: 'string', default: '60' },
    every: { type: 'string', default: '60' },
    snapshots: { type: 'string' },
  },
})

const HOUR_MS = 3_600_000

/** One line of the result. */
interface Sample {
  hours: number
  manager: Holdings
  agent: Holdings
  databaseBytes: number
  jobs: number
  lagMs: number
}

async function run(): Promise<void> {
  await using folder = await makeTemporaryFolder()
  const [scripts, store, data] = ['scripts', 'store', 'manager'].map((name) => join(folder.path, name))
  if (scripts === undefined || store === undefined || data === undefined) return
  await mkdir(scripts)
  await mkdir(store)
  await writeFile(join(scripts, 'pack.json'), JSON.stringify({ form: 2, name: 'trivial', type: '.dump' }))
  await writeFile(join(scripts, 'backup'), 'echo dump\n')
  const agent = await startAgentProcess({
    directory_backup: join(folder.path, 'backup'),
    directory_restore: join(folder.path, 'restore'),
    scripts_path: scripts,
    file_destination_root: store,
    log_level: 'warn',
    ...inspectable,
  })
  const manager = await startManagerProcess({
    DATA_DIR: data,
    FILE_DESTINATION_ROOT: store,
    LOG_LEVEL: 'error',
    MINIMUM_INTERVAL_SECONDS: '1',
    ...inspectable,
  })
  const sql = new Client({ host: join(data, 'postgres'), user: 'osb_backup', database: 'postgres' })
  await sql.connect()
  try {
    await createPlans(manager.client, agent, store, Number(values.plans))
    using inspectedManager = await InspectedProcess.connect(manager)
    using inspectedAgent = await InspectedProcess.connect(agent)
    const samples: Sample[] = []
    const startedAt = performance.now()
    const endAt = startedAt + Number(values.hours) * HOUR_MS
    print(['minutes', 'jobs', 'manager heap', 'rss', 'fds', 'agent heap', 'rss', 'fds', 'database', 'lag p99'])
    while (performance.now() < endAt) {
      await sleep(Number(values.every) * 1000)
      const [jobs, databaseBytes, lagMs] = await measureDatabase(sql)
      const sample = {
        hours: (performance.now() - startedAt) / HOUR_MS,
        manager: await inspectedManager.measure(),
        agent: await inspectedAgent.measure(),
        databaseBytes,
        jobs,
        lagMs,
      }
      samples.push(sample)
      if (samples.length === 1) await snapshot({ manager: inspectedManager, agent: inspectedAgent }, 'first')
      print(describe(sample))
    }
    await snapshot({ manager: inspectedManager, agent: inspectedAgent }, 'last')
    printGrowth(samples.slice(Math.floor(samples.length / 2)))
  } finally {
    await sql.end()
    await manager.stop()
    await agent.stop()
  }
}

async function snapshot(processes: Record<string, InspectedProcess>, when: string): Promise<void> {
  if (values.snapshots === undefined) return
  for (const [name, each] of Object.entries(processes)) {
    await each.writeHeapSnapshot(join(values.snapshots, `${name}-${when}.heapsnapshot`))
  }
}

/** Plans that run once a minute each, spread over it. */
async function createPlans(client: BackupClient, agent: AgentProcess, directory: string, count: number): Promise<void> {
  const instanceId = 'soak'
  const { url, username, password } = agent
  const { id: agentId } = await client.agents.create({ url, username, password })
  await client.instances.create({ id: instanceId, agentId, hosts: [{ address: '10.0.0.5', port: 5432 }] })
  const { id: destinationId } = await client.destinations.create({
    instanceId,
    name: 'files',
    store: { kind: 'file', directory },
  })
  for (let number = 0; number < count; number++) {
    await client.plans.create({
      instanceId,
      name: `plan ${number}`,
      destinationId,
      schedule: { cron: `${number % 60} * * * * *` },
      retention: { style: 'count', period: 3 },
      items: [`db${number}`],
    })
  }
}

/** How many jobs there were, the size of the database, and how late 99 % of the last thousand jobs began. */
async function measureDatabase(sql: Client): Promise<[number, number, number]> {
  const { rows } = await sql.query<{ jobs: string; bytes: string; lag: number | null }>(
    `select (select count(*) from jobs) as jobs, pg_database_size(current_database()) as bytes,
       (select percentile_cont(0.99) within group (order by extract(epoch from began_at - due_at) * 1000)
        from (select began_at, due_at from jobs where due_at is not null order by started_at desc limit 1000) newest) as lag`,
  )
  return [Number(rows[0]?.jobs), Number(rows[0]?.bytes), Math.round(rows[0]?.lag ?? 0)]
}

const megabytes = (bytes: number) => `${(bytes / 1_000_000).toFixed(1)} MB`

const describe = ({ hours, manager, agent, databaseBytes, jobs, lagMs }: Sample) => [
  (hours * 60).toFixed(0),
  String(jobs),
  ...[manager, agent].flatMap(({ heapBytes, residentBytes, descriptors }) => [
    megabytes(heapBytes),
    megabytes(residentBytes),
    String(descriptors),
  ]),
  megabytes(databaseBytes),
  `${lagMs} ms`,
]

function print(columns: readonly string[]): void {
  console.log(columns.map((column) => column.padStart(12)).join(' '))
}

/** By the line that fits best. */
function printGrowth(samples: readonly Sample[]): void {
  const slope = (read: (sample: Sample) => number) => {
    const mean = (of: (sample: Sample) => number) => samples.reduce((sum, each) => sum + of(each), 0) / samples.length
    const [hours, value] = [mean((each) => each.hours), mean(read)]
    const spread = samples.reduce((sum, each) => sum + (each.hours - hours) ** 2, 0)
    return samples.reduce((sum, each) => sum + (each.hours - hours) * (read(each) - value), 0) / spread
  }
  console.log(`\ngrowth an hour over the last ${samples.length} samples:`)
  console.log(
    `  heap: manager ${megabytes(slope((s) => s.manager.heapBytes))}, agent ${megabytes(slope((s) => s.agent.heapBytes))}`,
  )
  console.log(
    `  memory: manager ${megabytes(slope((s) => s.manager.residentBytes))}, agent ${megabytes(slope((s) => s.agent.residentBytes))}`,
  )
  console.log(`  database: ${(slope((s) => s.databaseBytes) / slope((s) => s.jobs)).toFixed(0)} bytes a job`)
}

if (values.help) console.log(help)
else await run()
