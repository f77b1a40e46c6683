import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type AgentProcess, startAgentProcess } from '@osb-backup/testkit'
import { ask, runBackup } from '../agent-jobs.ts'
import { memoryBytes } from '../process-usage.ts'

const JOBS_AT_ONCE = 100
const REPEATS = 5
const help = `npm run bench -- agent: how long an agent takes to start and to run jobs with trivial scripts of form 1, one and
${JOBS_AT_ONCE} at once, and its memory.`

const stages = {
  'pre-backup-lock': 'exit 0\n',
  'pre-backup-check': 'exit 0\n',
  backup: 'mkdir -p "$BACKUP_DIRECTORY" && printf dump > "$BACKUP_DIRECTORY/$5.txt"\n',
  'backup-cleanup': 'rm -f "$BACKUP_DIRECTORY"/*\n',
  'post-backup-unlock': 'exit 0\n',
}

/** A measurement: the median of several runs. */
interface Line {
  what: string
  value: string
}

/** Measures an agent with trivial scripts of form 1, and a directory as the destination. */
async function measure(root: string): Promise<Line[]> {
  const settings = await prepare(root)
  const starts: number[] = []
  const memory: number[] = []
  const single: number[] = []
  for (let run = 0; run < REPEATS; run++) {
    const startedAt = performance.now()
    const agent = await startAgentProcess(settings)
    await ask(agent, 'GET', '/status')
    starts.push(performance.now() - startedAt)
    await sleep(1000)
    memory.push(await memoryBytes(agent.pid, 'VmRSS'))
    // The first job also loads and compiles what it needs.
    await runJobs(agent, root, [`warm${run}`])
    single.push(await runJobs(agent, root, [`one${run}`]))
    await agent.stop()
  }
  const agent = await startAgentProcess(settings)
  const ids = Array.from({ length: JOBS_AT_ONCE }, (_, index) => `many${index}`)
  const many = await runJobs(agent, root, ids)
  const after = await memoryBytes(agent.pid, 'VmRSS')
  await agent.stop()
  return [
    { what: 'memory of an idle agent', value: `${(middle(memory) / 1_000_000).toFixed(0)} MB` },
    { what: 'start to first answer', value: `${middle(starts).toFixed(0)} ms` },
    { what: 'one job, request to end', value: `${middle(single).toFixed(0)} ms` },
    { what: `${JOBS_AT_ONCE} jobs at once`, value: `${(many / 1000).toFixed(1)} s` },
    { what: 'memory after those', value: `${(after / 1_000_000).toFixed(0)} MB` },
  ]
}

async function prepare(root: string): Promise<Record<string, string>> {
  for (const folder of ['scripts', 'bucket']) await mkdir(join(root, folder))
  for (const [name, text] of Object.entries(stages)) await writeFile(join(root, 'scripts', name), text)
  return {
    directory_backup: join(root, 'backups'),
    directory_restore: join(root, 'restores'),
    scripts_path: join(root, 'scripts'),
    file_destination_root: join(root, 'bucket'),
    max_job_number: String(JOBS_AT_ONCE),
    log_level: 'warn',
  }
}

/** Starts jobs at the same time and waits until all have succeeded. @returns How long that took. */
async function runJobs(agent: AgentProcess, root: string, ids: string[]): Promise<number> {
  const startedAt = performance.now()
  await Promise.all(
    ids.map(async (id) => {
      const body = {
        encryption_key: 'none',
        destination: { type: 'FILE', directory: join(root, 'bucket'), filenamePrefix: `${id}/` },
        backup: { host: 'host', username: 'user', password: 'password', database: id },
      }
      await runBackup(agent, body, ids.length === 1 ? 2 : 100)
    }),
  )
  return performance.now() - startedAt
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

async function bench(): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'bench-agent-'))
  try {
    for (const { what, value } of await measure(root)) console.log(`${what.padEnd(28)}${value.padStart(8)}`)
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

const { values } = parseArgs({ args: process.argv.slice(3), options: { help: { type: 'boolean', short: 'h' } } })
if (values.help) console.log(help)
else await bench()
