import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DestinationCreate, Job, Plan, PlanCreate } from '@osb-backup/protocol/v1'
import { openStore, type StoreSettings } from '@osb-backup/storage'
import { type ManagerProcess, makeTemporaryFolder, startManagerProcess } from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { registerInstance } from '../fixtures/register-instance.ts'
import { errorsOf, jobEnd } from '../main-job/fixture.ts'
import { makePlaces, places } from '../main-job/places.ts'
import { GoAgent } from './go-agent.ts'
import type { GoBranch } from './go-wire.ts'

/** Shorter than every long job here. */
const UNREACHABLE_SECONDS = 2

let stack: AsyncDisposableStack
let manager: ManagerProcess
let managerSettings: Record<string, string>
let instances = 0

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  const folder = stack.use(await makeTemporaryFolder()).path
  await makePlaces()
  managerSettings = {
    DATA_DIR: join(folder, 'manager'),
    AGENT_UNREACHABLE_SECONDS: String(UNREACHABLE_SECONDS),
    AGENT_BUSY_SECONDS: '60',
    AGENT_POLL_MS: '100',
    DELETION_GRACE_HOURS: '0',
  }
  manager = await startManagerProcess(managerSettings)
  stack.defer(() => manager.stop())
})

afterAll(() => stack.disposeAsync())

/** Scripts in the style of the time; each may be replaced. */
const scripts = {
  'pre-backup-lock': 'echo "lock $1"\n',
  'pre-backup-check': '',
  'backup.sh': 'mkdir "$folder/backup/$6"; echo "dump of $4, compression $7, key $8" > "$folder/backup/$6/$5.sql"\n',
  'backup-cleanup': 'rm -r "$folder/backup/$2"\n',
  'post-backup-unlock': 'echo unlocked | tee /dev/stderr\n',
  'pre-restore-lock': 'mkdir "$folder/restore/$1"\n',
  restore: 'echo "compression $7, key $8" > "$folder/told"; cat "$folder/restore/$6/$5" > "$folder/restored"\n',
  'restore-cleanup': 'rm -r "$folder/restore/$1"\n',
  'post-restore-unlock': '',
}

interface Setup {
  branch?: GoBranch
  place?: 's3' | 'swift'
  more?: Record<string, string>
  maxJobs?: number
  items?: string[]
  parameters?: Record<string, unknown>
  plan?: Partial<PlanCreate>
  destination?: Partial<DestinationCreate>
}

/** A plan of an instance beside a Go agent, which ends with the test. */
async function planAt({ branch = 'develop', place = 's3', more = {}, items = ['db1'], ...rest }: Setup) {
  const cleanup = new AsyncDisposableStack()
  onTestFinished(() => cleanup.disposeAsync())
  const folder = cleanup.use(await makeTemporaryFolder()).path
  await mkdir(join(folder, 'scripts'))
  for (const [name, content] of Object.entries({ ...scripts, ...more })) {
    await writeFile(join(folder, 'scripts', name), `set -e\nfolder=$(cd "$(dirname "$0")/.." && pwd)\n${content}`)
  }
  const agent = cleanup.use(await new GoAgent({ branch, folder, maxJobs: rest.maxJobs ?? 10 }).start())
  const { client } = manager
  const instanceId = `go-${Math.random().toString(36).slice(2)}`
  const fields = rest.parameters === undefined ? {} : { parameters: rest.parameters }
  // The port of an agent that has ended may be another one's: instances on one server would have to declare their items.
  const hosts = [{ address: `10.0.1.${++instances}`, port: 5432 }]
  await registerInstance(client, instanceId, agent, { ...fields, hosts, database: { username: 'dba', password: 'pw' } })
  const { destination, store } = places(folder)[place]
  const { id: destinationId } = await client.destinations.create({ instanceId, ...destination, ...rest.destination })
  const plan = await client.plans.create({
    instanceId,
    name: 'nightly',
    destinationId,
    items,
    schedule: { cron: '0 0 2 29 2 *' },
    retention: { style: 'all' },
    compression: { algorithm: 'zstd' },
    ...rest.plan,
  })
  return { agent, folder, plan, store: store as StoreSettings }
}

async function backUp(plan: Plan): Promise<Job> {
  const { id } = await manager.client.plans.run(plan.id)
  return jobEnd(manager.client, id)
}

const contentOf = async (store: StoreSettings, name: string) =>
  new Response(ReadableStream.from(await openStore(store).get(name)) as ReadableStream<Uint8Array>).text()

test.each([
  ['develop', 's3', true],
  ['develop', 'swift', false],
  ['master', 's3', false],
  ['master', 'swift', false],
] as const)('the main job with a Go agent of the branch %s and %s', async (branch, place, hasPrefix) => {
  const { plan, folder, store } = await planAt({
    branch,
    place,
    plan: { encryption: { publicKey: 'a key of the scripts', privateKey: 'its other half' } } as Partial<PlanCreate>,
  })
  const { client } = manager
  const job = await backUp(plan)
  expect({ state: job.state, errors: errorsOf(job) }).toEqual({ state: 'succeeded', errors: {} })
  const [point] = (await client.restorePoints.list({ job: job.id })).items
  const name = point?.objectName ?? ''
  expect(name).toMatch(
    hasPrefix ? new RegExp(`^${plan.id}/\\d{4}(_\\d\\d){4}_.+_db1\\.sql$`) : /^\d{4}(_\d\d){4}_.+_db1\.sql$/,
  )
  expect(job.parts[0]?.objectName).toBe(name)
  expect(point).toMatchObject({
    transformedBy: 'script',
    compressionRequested: true,
    compression: 'none',
    encrypted: true,
  })
  expect(await contentOf(store, name)).toBe('dump of db1, compression true, key a key of the scripts\n')

  const { id } = await client.restorePoints.restore(point?.id ?? '')
  const restore = await jobEnd(client, id)
  expect({ state: restore.state, errors: errorsOf(restore) }).toEqual({ state: 'succeeded', errors: {} })
  expect(await readFile(join(folder, 'restored'), 'utf8')).toBe(
    'dump of db1, compression true, key a key of the scripts\n',
  )
  // What the script was given at the backup.
  expect(await readFile(join(folder, 'told'), 'utf8')).toBe('compression true, key its other half\n')

  await client.restorePoints.delete(point?.id ?? '')
  await expect.poll(() => openStore(store).head(name)).toBeUndefined()
})

test('a backup that takes longer than an agent may be unreachable, and items one after the other', async () => {
  const seconds = UNREACHABLE_SECONDS + 3
  const { plan } = await planAt({
    items: ['db1', 'db2'],
    more: {
      'pre-backup-lock': 'mkdir "$folder/working"\n',
      'backup.sh': `sleep ${seconds}; ${scripts['backup.sh']}`,
      'post-backup-unlock': 'rmdir "$folder/working"\n',
    },
  })
  const job = await backUp(plan)
  expect({ state: job.state, errors: errorsOf(job) }).toEqual({ state: 'succeeded', errors: {} })
  const { items: logs } = await manager.client.jobs.logs(job.id)
  // `mkdir` fails while another item is being backed up, which the Go agent counts as a success.
  expect(logs.filter(({ stream }) => stream === 'stderr')).toEqual([])
})

test.each([
  [
    'a failing script',
    { 'backup.sh': 'echo broken >&2; exit 3\n' },
    /Executing the shell script failed due to 'exit status 3'/,
  ],
  ['a script that leaves nothing', { 'backup.sh': 'true\n' }, /Getting path to backup file failed/],
] as const)('%s of a Go agent fails the job with what it says', async (_what, more, error) => {
  const { plan } = await planAt({ more })
  const job = await backUp(plan)
  expect(job.state).toBe('failed')
  expect(job.parts[0]?.error).toMatch(error)
  expect((await manager.client.restorePoints.list({ job: job.id })).items).toEqual([])
})

test('a failed upload leaves no restore point, although the agent reports name and size', async () => {
  const { plan, agent } = await planAt({
    more: {
      'backup.sh': `${scripts['backup.sh']}rm -r "$folder/backup/$6/$5.sql"; mkdir "$folder/backup/$6/$5.sql"\n`,
    },
  })
  const job = await backUp(plan)
  expect(job.state).toBe('failed')
  expect(job.parts[0]?.error).toMatch(/Uploading to S3 failed/)
  // The manager also asks for the status of its agents.
  const last = () => agent.requests.findLast((each) => each !== 'GET /status')
  await expect.poll(last).toBe('DELETE /backup')
})

test('a request that lacks fields is refused with their names', async () => {
  // Master requires a region, which this destination does not have.
  const { region: _none, ...store } = places('').s3.destination.store
  const { plan } = await planAt({ branch: 'master', destination: { store } })
  const job = await backUp(plan)
  expect(job.parts[0]?.error).toMatch(/refused the job: body is missing essential fields: destination\( region\)/)
})

test('an agent that is busy is asked until it accepts the job', async () => {
  const { plan, agent } = await planAt({ maxJobs: 0 })
  const { id } = await manager.client.plans.run(plan.id)
  await expect.poll(() => agent.requests.filter((each) => each === 'POST /backup').length).toBeGreaterThan(1)
  agent.maxJobs = 1
  expect((await jobEnd(manager.client, id)).state).toBe('succeeded')
})

test('a restart of the manager does not disturb a job', async () => {
  const { plan, agent } = await planAt({ more: { 'backup.sh': `sleep 4; ${scripts['backup.sh']}` } })
  const { id } = await manager.client.plans.run(plan.id)
  await expect.poll(() => agent.bodies.length).toBe(1)
  await manager.stop()
  manager = await startManagerProcess(managerSettings)
  const job = await jobEnd(manager.client, id)
  expect({ state: job.state, errors: errorsOf(job) }).toEqual({ state: 'succeeded', errors: {} })
  expect(agent.bodies).toHaveLength(1)
})

test('a job that the agent lost in a restart does not stay open', async () => {
  const { plan, agent } = await planAt({ more: { 'backup.sh': 'sleep 5\n' } })
  const { id } = await manager.client.plans.run(plan.id)
  await expect.poll(async () => (await manager.client.jobs.get(id)).parts[0]?.stage).toBe('backup')
  agent.forgetJobs()
  const job = await jobEnd(manager.client, id)
  expect(job.state).not.toBe('succeeded')
  expect(job.parts[0]?.error).toMatch(/does not know the job|no longer knows the job/)
})

test('a cancelled job is followed to the end of its script, which a Go agent cannot stop', async () => {
  const { plan, agent, store } = await planAt({
    items: ['db1', 'db2'],
    more: { 'backup.sh': `sleep 4; ${scripts['backup.sh']}` },
  })
  const { id } = await manager.client.plans.run(plan.id)
  await expect.poll(async () => (await manager.client.jobs.get(id)).parts[0]?.stage).toBe('backup')
  await manager.client.jobs.cancel(id)
  const shown = async () => (await manager.client.jobs.get(id)).parts[0]?.error
  await expect.poll(shown).toMatch(/this agent cannot stop a script/)
  const job = await jobEnd(manager.client, id)
  expect(job.state).toBe('cancelled')
  expect(agent.bodies).toHaveLength(1)
  // The dump is stored and known, so that it can be restored and removed.
  const { items: points } = await manager.client.restorePoints.list({ job: id })
  expect(points).toHaveLength(1)
  expect(await contentOf(store, points[0]?.objectName ?? '')).toMatch(/^dump of db1/)
})

test('parameters of an instance reach the scripts flat, and none fails a job', async () => {
  const parameters = { postgres: { max_connections: 100 }, PATH: '/evil', none: null, size: 'small' }
  const { plan, folder } = await planAt({ parameters, more: { 'pre-backup-check': 'env > "$folder/env"\n' } })
  const job = await backUp(plan)
  expect({ state: job.state, errors: errorsOf(job) }).toEqual({ state: 'succeeded', errors: {} })
  const env = (await readFile(join(folder, 'env'), 'utf8')).split('\n')
  expect(env).toEqual(expect.arrayContaining(['postgres_max_connections=100', 'size=small']))
  expect(env.filter((line) => /evil|map\[|none/.test(line))).toEqual([])
})
