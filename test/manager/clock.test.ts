import { execFile } from 'node:child_process'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { BackupClient } from '@osb-backup/client'
import {
  freePort,
  type ManagerProcess,
  makeTemporaryFolder,
  SkewedClock,
  startAgentProcess,
  startManagerProcess,
} from '@osb-backup/testkit'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { registerInstance } from '../fixtures/register-instance.ts'

const run = promisify(execFile)
const DAY_SECONDS = 86_400
const lab = join(import.meta.dirname, '..', '..', 'lab', 'postgresql')

/** Resources that are disposed of at the end of a test, and a folder that all users may read. */
async function startStack() {
  const stack = new AsyncDisposableStack()
  const folder = stack.use(await makeTemporaryFolder()).path
  await chmod(folder, 0o755)
  const clock = await SkewedClock.create(join(folder, 'clock'))
  return { stack, folder, clock }
}

/** A PostgreSQL, whose clock may be set. */
async function startPostgres(stack: AsyncDisposableStack, folder: string, clock?: SkewedClock) {
  const port = String(await freePort())
  const state = join(folder, 'postgresql')
  await mkdir(state)
  // PostgreSQL refuses to run as root, and libfaketime is not shared between users.
  const user = process.getuid?.() === 0 ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : []
  if (user.length > 0) await run('chown', ['postgres', state])
  const settings = { LAB_POSTGRESQL_STATE: state, LAB_POSTGRESQL_PORT: port, ...clock?.environment }
  const variables = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
  const script = (name: string) => {
    const [program = '', ...rest] = [...user, 'env', ...variables, 'bash', join(lab, name)]
    return run(program, rest)
  }
  await script('start.sh')
  stack.defer(async () => void (await script('stop.sh')))
  const url = `postgresql://lab:lab-secret@127.0.0.1:${port}/postgres`
  const sql = new Client(url)
  await sql.connect()
  stack.defer(() => sql.end())
  return { url, sql }
}

/** An agent, and a plan that keeps what is at most two days older than the newest. */
async function createPlan(
  stack: AsyncDisposableStack,
  folder: string,
  { client, store, cron }: { client: BackupClient; store: string; cron: string },
) {
  const scripts = join(folder, 'scripts')
  await mkdir(scripts)
  await writeFile(join(scripts, 'pack.json'), JSON.stringify({ form: 2, name: 'small', type: '.dump' }))
  await writeFile(join(scripts, 'backup'), 'echo "the content of $BACKUP_DATABASE"\n')
  const agent = await startAgentProcess({
    directory_backup: join(folder, 'backup'),
    directory_restore: join(folder, 'restore'),
    scripts_path: scripts,
    file_destination_root: store,
  })
  stack.defer(() => agent.stop())
  await registerInstance(client, 'i', agent)
  const destination = await client.destinations.create({
    instanceId: 'i',
    name: 'files',
    store: { kind: 'file', directory: store },
  })
  return client.plans.create({
    instanceId: 'i',
    name: 'nightly',
    destinationId: destination.id,
    items: ['db1'],
    schedule: { cron },
    retention: { style: 'days', period: 2 },
  })
}

const runPlan = async (client: BackupClient, planId: string) => {
  const { id } = await client.plans.run(planId)
  return client.jobs.wait(id, { signal: AbortSignal.timeout(240_000), intervalMs: 50 })
}
const pointsOf = async ({ client }: ManagerProcess, plan: string) => (await client.restorePoints.list({ plan })).items

test('a manager whose clock is three days ahead decides as the others do, and reports it', async ({ skip }) => {
  const { stack, folder, clock } = await startStack()
  await using _ = stack
  if (clock === undefined) return skip('libfaketime is not installed')
  const { url, sql } = await startPostgres(stack, folder)
  const store = join(folder, 'store')
  await mkdir(store)
  const settings = { DATA_DIR: join(folder, 'data'), DATABASE_URL: url, FILE_DESTINATION_ROOT: store }
  const right = await startManagerProcess(settings)
  // Due within three days, and not during the test.
  const cron = `0 0 ${(new Date().getUTCHours() + 12) % 24} * * *`
  const plan = await createPlan(stack, folder, { client: right.client, store, cron })
  for (let count = 0; count < 4; count++) await runPlan(right.client, plan.id)
  await expect.poll(async () => (await right.client.version()).clockSkewSeconds).toBe(0)
  expect(await right.client.version()).toMatchObject({ clockSkewed: false })
  await right.stop()
  await sql.query(`update restore_points set taken_at = now() - make_interval(hours => 12 * (4 - sequence::int))`)

  await clock.set(3 * DAY_SECONDS)
  const ahead = await startManagerProcess({ ...settings, ...clock.environment })
  stack.defer(() => ahead.stop())
  await sql.query('update backup_plans set retention_due_at = now()')
  await expect.poll(async () => (await ahead.client.version()).clockSkewed).toBe(true)
  expect((await ahead.client.version()).clockSkewSeconds).toBeCloseTo(3 * DAY_SECONDS, -2)
  expect(await pointsOf(ahead, plan.id)).toHaveLength(4)
  await runPlan(ahead.client, plan.id)
  const [newest, ...older] = await pointsOf(ahead, plan.id)
  expect(older).toHaveLength(4)
  expect(Math.abs(Date.parse(newest?.takenAt ?? '') - Date.now())).toBeLessThan(DAY_SECONDS * 1000)
  // No run was decided ahead of its time.
  expect((await ahead.client.plans.runs(plan.id).list()).items).toEqual([])
  expect((await ahead.client.overview()).clockJump).toBeUndefined()
  const reports = () => ahead.output().match(/the clock of this manager differs/g) ?? []
  expect(reports()).toHaveLength(1)
  await clock.set(0)
  await expect.poll(async () => (await ahead.client.version()).clockSkewed).toBe(false)
})

test("PostgreSQL's clock that is set stops deletions until an admin confirms it", async ({ skip }) => {
  const { stack, folder, clock } = await startStack()
  await using _ = stack
  if (clock === undefined) return skip('libfaketime is not installed')
  const { url, sql } = await startPostgres(stack, folder, clock)
  const store = join(folder, 'store')
  await mkdir(store)
  const settings = { DATA_DIR: join(folder, 'data'), DATABASE_URL: url, FILE_DESTINATION_ROOT: store }
  let manager = await startManagerProcess(settings)
  stack.defer(() => manager.stop())
  const plan = await createPlan(stack, folder, { client: manager.client, store, cron: '0 0 2 29 2 *' })
  for (let count = 0; count < 2; count++) await runPlan(manager.client, plan.id)
  const jumpOf = async () => (await manager.client.overview()).clockJump?.jumpSeconds
  expect(await jumpOf()).toBeUndefined()

  await clock.set(3 * DAY_SECONDS)
  await expect.poll(jumpOf, { timeout: 60_000 }).toBeCloseTo(3 * DAY_SECONDS, -2)
  // The two before are three days older by this clock.
  await runPlan(manager.client, plan.id)
  await sql.query('update backup_plans set retention_due_at = now()')
  await manager.stop()
  manager = await startManagerProcess(settings)
  await new Promise((resolve) => setTimeout(resolve, 3000))
  expect(await jumpOf()).toBeCloseTo(3 * DAY_SECONDS, -2)
  expect(await pointsOf(manager, plan.id)).toHaveLength(3)

  const { token } = await manager.client.tokens.create({ name: 'op', role: 'operator', instances: 'all' })
  const operator = { method: 'POST', headers: { authorization: `Bearer ${token}` } }
  expect((await fetch(`${manager.url}/v1/clock/confirm`, operator)).status).toBe(403)
  expect(await manager.client.confirmClock()).not.toHaveProperty('jump')
  const [entry] = (await manager.client.auditEntries.list()).items
  expect(entry).toMatchObject({ action: 'POST /v1/clock/confirm', status: 200 })
  await expect.poll(async () => (await pointsOf(manager, plan.id)).length, { timeout: 60_000 }).toBe(1)
  expect(await jumpOf()).toBeUndefined()

  // As if it had been decided while the clock was years ahead: the next run is corrected once the clock is right again.
  const nextRun = async () => (await manager.client.plans.get(plan.id)).nextRunAt
  const planned = await nextRun()
  await sql.query(
    `update backup_plans set next_due_at = next_due_at + interval '8 years', next_run_at = next_run_at + interval '8 years'`,
  )
  await clock.set(0)
  await expect.poll(jumpOf, { timeout: 60_000 }).toBeCloseTo(-3 * DAY_SECONDS, -2)
  await expect.poll(nextRun, { timeout: 60_000 }).toBe(planned)
  expect(await manager.client.clock()).toMatchObject({ jump: { jumpSeconds: expect.any(Number) } })
})
