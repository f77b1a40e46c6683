import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeTemporaryFolder, startManagerProcess } from '@osb-backup/testkit'
import { Client } from 'pg'
import { type LoadCall, measureInTurns } from './load.ts'
import { LARGE, seed } from './seed.ts'

const help = `npm run bench -- api [--jobs N] [--plans N] [--seconds N]: requests per second and their times, of each kind for so long, of a manager on the
embedded PostgreSQL, at 1,000,000 jobs and 10,000 plans unless told otherwise. Half of the jobs belong to one instance.`

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    help: { type: 'boolean', short: 'h' },
    jobs: { type: 'string', default: '1000000' },
    plans: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '8' },
  },
})

const PAGE_SIZE = 10
const INSTANCES = 1000

async function run(): Promise<void> {
  const [jobs, plans, seconds] = [Number(values.jobs), Number(values.plans), Number(values.seconds)]
  await using folder = await makeTemporaryFolder()
  const manager = await startManagerProcess({
    DATA_DIR: folder.path,
    MAX_RUNNING_JOBS: '1',
    LOG_LEVEL: 'error',
  })
  const sql = new Client({ host: join(folder.path, 'postgres'), user: 'osb_backup', database: 'postgres' })
  await sql.connect()
  try {
    const startedAt = performance.now()
    await seed(manager.client, sql, { instances: INSTANCES, plans, jobs, jobsOfOne: Math.trunc(jobs / 2) })
    console.log(`seeded ${jobs} jobs and ${plans} plans in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
    const { totalElements } = await manager.client.jobs.listBackups(LARGE, { size: 1 })
    const lastPage = Math.ceil(totalElements / PAGE_SIZE) - 1
    const list = (page: number) => (): LoadCall => ({
      method: 'GET',
      path: `/backupJobs/byInstance/${LARGE}?size=${PAGE_SIZE}&page=${page}&sort=startDate,desc`,
    })
    const failed = `/backupJobs/byInstance/${LARGE}/filtered?jobStatus=FAILED&size=${PAGE_SIZE}`
    const ids = (await sql.query<{ id: string }>('select id from backup_plans order by random()')).rows
    const planOf = (number: number) => ids[number % ids.length]?.id ?? ''
    // Each plan once: one whose job is not over refuses a second.
    let started = 0
    const kinds: [string, (number: number) => LoadCall][] = [
      [`job list, page 1 of ${lastPage + 1}`, list(0)],
      ['job list, the page in the middle', list(Math.trunc(lastPage / 2))],
      ['job list, the last page', list(lastPage)],
      ['job list, failed ones only', () => ({ method: 'GET', path: failed })],
      [
        'job list of any instance',
        (number) => ({ method: 'GET', path: `/backupJobs/byInstance/bench-${1 + (number % INSTANCES)}?size=10` }),
      ],
      ['plan read', (number) => ({ method: 'GET', path: `/backupPlans/${planOf(number)}` })],
      ['backup start', () => ({ method: 'POST', path: '/backup', body: { backupPlan: { id: planOf(started++) } } })],
    ]
    console.log(`| call | connections | requests/s | median | 99 % within |\n| --- | --- | --- | --- | --- |`)
    for (const connections of [1, 16]) {
      const load = { connections, rounds: seconds, roundMs: 1000 }
      const measured = await measureInTurns(
        manager,
        load,
        kinds.map(([, nextCall]) => nextCall),
      )
      for (const [index, { perSecond, p50Ms, p99Ms }] of measured.entries()) {
        const cells = [
          kinds[index]?.[0],
          connections,
          perSecond.toFixed(0),
          `${p50Ms.toFixed(1)} ms`,
          `${p99Ms.toFixed(1)} ms`,
        ]
        console.log(`| ${cells.join(' | ')} |`)
      }
    }
  } finally {
    await sql.end()
    await manager.stop()
  }
}

if (values.help) console.log(help)
else await run()
