import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeTemporaryFolder, startManagerProcess } from '@osb-backup/testkit'
import { Client } from 'pg'
import { type LoadCall, measureInTurns } from './load.ts'
import { LARGE, seed } from './seed.ts'

const help = `npm run bench -- api [--jobs N] [--plans N] [--seconds N]: throughput and latency of each kind of request, measured for
N seconds, of a manager on the embedded PostgreSQL, with 1,000,000 jobs and 10,000 plans by default. Half of the jobs belong to one
instance.`

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
const INSTANCES = 10_000

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
    const cursors = await cursorsOf(sql, jobs)
    const list = (query: string) => (): LoadCall => ({ method: 'GET', path: `/v1/jobs?limit=${PAGE_SIZE}${query}` })
    const ids = (await sql.query<{ id: string }>('select id from backup_plans order by random()')).rows
    const planOf = (number: number) => ids[number % ids.length]?.id ?? ''
    const restricted = await manager.client.tokens.create({
      name: 'one instance of many',
      role: 'viewer',
      instances: [`bench-${INSTANCES}`],
    })
    // Each plan once: one whose job has not ended refuses a second.
    let started = 0
    const kinds: [string, (number: number) => LoadCall][] = [
      ['jobs, the first page', list('')],
      ['jobs, a page in the middle', list(`&cursor=${cursors.middle}`)],
      ['jobs, the last page', list(`&cursor=${cursors.last}`)],
      ['jobs of the largest instance', list(`&instance=${LARGE}`)],
      ['jobs that failed', list('&state=failed')],
      ['jobs, for a caller of one instance', () => ({ ...list('')(), token: restricted.token })],
      ['jobs of a plan', (number) => list(`&plan=${planOf(number)}`)()],
      ['instances with protection, 50', () => ({ method: 'GET', path: '/v1/instances' })],
      ['a plan', (number) => ({ method: 'GET', path: `/v1/plans/${planOf(number)}` })],
      ['start a backup', () => ({ method: 'POST', path: `/v1/plans/${planOf(started++)}/run` })],
      ['overview', () => ({ method: 'GET', path: '/v1/overview' })],
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

/** Cursors that lead into the middle and to the end of the list of all jobs. */
async function cursorsOf(sql: Client, jobs: number): Promise<Record<'middle' | 'last', string>> {
  const cursorAfter = async (skipped: number) => {
    const { rows } = await sql.query<{ at: string; id: string }>(
      `select (extract(epoch from started_at) * 1000000)::bigint::text as at, id
       from jobs order by started_at desc, id desc offset $1 limit 1`,
      [skipped],
    )
    return Buffer.from(JSON.stringify([rows[0]?.at, rows[0]?.id])).toString('base64url')
  }
  return { middle: await cursorAfter(Math.trunc(jobs / 2)), last: await cursorAfter(jobs - PAGE_SIZE - 1) }
}

if (values.help) console.log(help)
else await run()
