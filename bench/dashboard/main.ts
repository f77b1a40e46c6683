import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { makeTemporaryFolder, startManagerProcess, TEST_TOKEN } from '@osb-backup/testkit'
import { Client } from 'pg'
import { type Browser, chromium } from 'playwright-core'
import { LARGE, seed } from '../api/seed.ts'

const help = `npm run bench -- dashboard [--jobs N] [--instances N] [--rounds N]: how long each page of the dashboard takes to show its data, in
Chromium, of a manager on the embedded PostgreSQL with 1,000,000 jobs and 10,000 instances by default. Half of the jobs belong to one
instance. Each page is opened in a new browser session without a cache.`

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    help: { type: 'boolean', short: 'h' },
    jobs: { type: 'string', default: '1000000' },
    instances: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '3' },
  },
})

/** What was measured of one opening of a page. */
interface Opening {
  /** From the navigation until the sign-in is shown. */
  firstScreenMs: number
  /** From the sign-in until nothing of the page is loading any more. */
  contentMs: number
}

async function run(): Promise<void> {
  const [jobs, instances, rounds] = [Number(values.jobs), Number(values.instances), Number(values.rounds)]
  await promisify(execFile)('sh', ['tools/build-dashboard'])
  await using folder = await makeTemporaryFolder()
  const manager = await startManagerProcess({ DATA_DIR: folder.path, MAX_RUNNING_JOBS: '1', LOG_LEVEL: 'error' })
  const sql = new Client({ host: join(folder.path, 'postgres'), user: 'osb_backup', database: 'postgres' })
  await sql.connect()
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium' })
  try {
    await seed(manager.client, sql, { instances, plans: instances, jobs, jobsOfOne: Math.trunc(jobs / 2) })
    console.log(`seeded ${jobs} jobs and ${instances} instances`)
    console.log('| page | first screen | content, median | content, longest |\n| --- | --- | --- | --- |')
    for (const path of await pathsOf(manager.client)) {
      const openings: Opening[] = []
      for (let round = 0; round < rounds; round++) openings.push(await open(browser, manager.url, path))
      const contents = openings.map(({ contentMs }) => contentMs).toSorted((a, b) => a - b)
      const firstScreens = openings.map(({ firstScreenMs }) => firstScreenMs)
      const cells = [Math.max(...firstScreens), contents[Math.trunc(rounds / 2)] ?? 0, contents.at(-1) ?? 0]
      console.log(`| ${path} | ${cells.map((ms) => `${ms.toFixed(0)} ms`).join(' | ')} |`)
    }
  } finally {
    await browser.close()
    await sql.end()
    await manager.stop()
  }
}

/** Every page with data: of the largest instance where it belongs to one, and with filters that match little. */
async function pathsOf(client: Awaited<ReturnType<typeof startManagerProcess>>['client']): Promise<string[]> {
  const [job] = (await client.jobs.list({ instance: LARGE, limit: 1 })).items
  const [point] = (await client.restorePoints.list({ instance: LARGE, limit: 1 })).items
  const [agent] = (await client.agents.list({ limit: 1 })).items
  const day = point?.takenAt.slice(0, 10)
  return [
    '/',
    '/instances',
    '/instances?q=bench-9999',
    '/instances?protection=protected',
    `/instances/${LARGE}`,
    `/instances/${LARGE}?tab=restore-points`,
    `/instances/${LARGE}?tab=restore-points&day=${day}`,
    `/instances/${LARGE}?tab=jobs`,
    '/plans',
    '/plans?q=9999',
    `/plans/${point?.planId}`,
    `/plans/new?instance=${LARGE}`,
    '/jobs',
    '/jobs?state=failed',
    '/jobs?state=running',
    '/jobs?kind=restore',
    `/jobs?instance=${LARGE}`,
    `/jobs/${job?.id}`,
    `/restore?instance=${LARGE}&item=shop&day=${day}`,
    '/restore-points',
    '/restore-points?held=true',
    '/restore-points?state=damaged',
    '/restore-points?suspicious=true',
    '/restore-points?deleting=true',
    `/restore-points?day=${day}`,
    `/restore-points/${point?.id}`,
    '/destinations',
    '/destinations?q=none',
    `/destinations/${point?.destinationId}`,
    '/agents',
    `/agents/${agent?.id}`,
  ]
}

async function open(browser: Browser, url: string, path: string): Promise<Opening> {
  const context = await browser.newContext()
  const page = await context.newPage()
  const navigatedAt = performance.now()
  await page.goto(url + path, { waitUntil: 'commit' })
  const token = page.getByLabel('Token', { exact: true })
  await token.waitFor()
  const firstScreenMs = performance.now() - navigatedAt
  await token.fill(TEST_TOKEN)
  const signedInAt = performance.now()
  await page.keyboard.press('Enter')
  await page.locator('#content h1').waitFor()
  await page.getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'detached' })
  const contentMs = performance.now() - signedInAt
  const failure = page.getByRole('button', { name: 'Try again' })
  if ((await failure.count()) > 0) throw new Error(`${path} could not be loaded`)
  await context.close()
  return { firstScreenMs, contentMs }
}

if (values.help) console.log(help)
else await run()
