import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeTemporaryFolder, startManagerProgram } from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type Fixture, instanceId, startFixture } from '../fixtures/fixture.ts'
import { makeDatabase, type OwnDatabase } from './own-database.ts'

const project = join(import.meta.dirname, '../..')
const run = promisify(execFile)

/** The commands of docs/recovery.md about the manager, by the names beside their fences. */
const blocks = new Map(
  [
    ...(await readFile(join(project, 'docs/recovery.md'), 'utf8')).matchAll(/^ *```sh (manager-\S+)\n(.*?)^ *```$/gms),
  ].map(([, name = '', commands = '']) => [name, commands]),
)
/** Blocks that no test has run. */
const untested = new Set(blocks.keys())

let stack: AsyncDisposableStack
let fixture: Fixture
let database: OwnDatabase
let safe: string
let environment: Record<string, string>

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  database = stack.use(await makeDatabase())
  safe = stack.use(await makeTemporaryFolder()).path
  fixture = stack.use(
    await startFixture({ restore: 'cat > "$(dirname "$0")/restored"' }, { DATABASE_URL: database.url }),
  )
  environment = {
    PATH: `${inject('lab').postgresql.bin}:${process.env.PATH}`,
    HOME: safe,
    SAFE: safe,
    STORES: join(safe, 'stores.json'),
    DATABASE_URL: database.url,
    DATA_DIR: join(fixture.folder, 'manager'),
    FILE_DESTINATION_ROOT: fixture.store,
  }
})
afterAll(() => stack.disposeAsync())

/** Runs commands of the page as an operator does. */
async function execute(name: string, more: Record<string, string> = {}): Promise<string> {
  untested.delete(name)
  const script = `set -eu\n${blocks.get(name)}`
  const { stdout } = await run('bash', ['-c', script], { cwd: project, env: { ...environment, ...more } })
  return stdout
}

const loseDatabase = () => database.query('drop schema public cascade; create schema public')
const pointNames = async (planId: string) => (await fixture.pointsOf(planId)).map(({ objectName }) => objectName)

async function objectsOf(planId: string): Promise<Record<string, string>> {
  const folder = join(fixture.store, planId)
  const names = (await readdir(folder)).sort()
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'latin1')])),
  )
}

test('a lost database is restored from its dump, and what was backed up since is adopted', async () => {
  const plan = await fixture.createPlan({ items: ['db1', 'db2'] })
  await fixture.runPlan(plan.id)
  await execute('manager-dump')
  await execute('manager-copy-key')
  await fixture.runPlan(plan.id)
  const before = await pointNames(plan.id)
  expect(before).toHaveLength(4)
  const objects = await objectsOf(plan.id)
  await fixture.manager.stop()
  await loseDatabase()

  await execute('manager-restore-dump')
  // The machine is lost as well.
  await rm(join(environment.DATA_DIR ?? '', 'secret.key'))
  await execute('manager-use-key')
  expect(await execute('manager-adopt', { DESTINATION_ID: fixture.destinationId })).toContain('"total": 2')
  await fixture.restartManager()
  expect((await pointNames(plan.id)).sort()).toEqual(before.toSorted())
  expect((await fixture.pointsOf(plan.id)).map(({ held }) => held)).toEqual([true, true, false, false])
  expect(await objectsOf(plan.id)).toEqual(objects)
})

test('a lost database is rebuilt from the store, and its backups are restored', async () => {
  const plan = await fixture.createPlan({ name: 'nightly', items: ['db1', 'db2'] })
  await fixture.runPlan(plan.id)
  await fixture.runPlan(plan.id)
  const before = await fixture.pointsOf(plan.id)
  await mkdir(join(fixture.store, 'elsewhere'), { recursive: true })
  await writeFile(join(fixture.store, 'elsewhere', 'foreign'), 'of somebody else')
  await writeFile(join(fixture.store, 'elsewhere', 'odd.manifest.json'), '{"kind":')
  const objects = await objectsOf(plan.id)
  await fixture.manager.stop()
  await loseDatabase()
  await writeFile(join(safe, 'stores.json'), JSON.stringify([{ type: 'file', directory: fixture.store }]))

  expect(await execute('manager-recover-dry')).toMatch(/Dry run: nothing was written[\s\S]*plans +\d+ to recover/)
  const { port } = new URL(fixture.agent.url)
  const legacy = { LEGACY_AGENT_URL: `http://{backupHostIp}:${port}` }
  const output = await execute('manager-recover', legacy)
  expect(output).toMatch(/restore point elsewhere\/odd: There is a manifest, but no object/)
  expect(output).toMatch(/service instances +1 recovered, 0 unchanged, 0 skipped/)
  const again = await execute('manager-recover', legacy)
  expect(again).toMatch(/plans +0 recovered/)
  expect(again).toMatch(/restore points +0 recovered/)

  await fixture.restartManager()
  const { client } = fixture
  expect(await client.plans.get(plan.id)).toMatchObject({ paused: true, retention: { style: 'all' } })
  const after = await fixture.pointsOf(plan.id)
  const described = (points: typeof before) =>
    points.map(({ objectName, sha256, root, sizeBytes, jobId }) => ({ objectName, sha256, root, sizeBytes, jobId }))
  expect(described(after).slice(0, 2)).toEqual(expect.arrayContaining(described(before).slice(0, 2)))
  expect(described(after)).toEqual(expect.arrayContaining(described(before)))
  expect(await objectsOf(plan.id)).toEqual(objects)

  const { url, username, password } = fixture.agent
  const agent = await client.agents.create({ url, username, password })
  await client.instances.update(instanceId, { agentId: agent.id })
  const [point] = after
  const { id } = await client.restorePoints.restore(point?.id ?? '')
  expect((await fixture.waitForJob(id)).state).toBe('succeeded')
  expect(await readFile(join(fixture.folder, 'scripts/restored'), 'utf8')).toBe(`the content of ${point?.item}\n`)
})

test('a lost key costs the secrets, and nothing else', async () => {
  const { client } = fixture
  const { s3 } = inject('lab')
  const { endpoint, region, accessKeyId: authKey, secretAccessKey: authSecret } = s3
  const store = { kind: 's3', endpoint, region, bucket: 'b', authKey, authSecret } as const
  const destination = await client.destinations.create({ instanceId, name: 's3', store })
  const password = 'a password of a broker'
  await client.brokerAccounts.create({ name: 'broker', password, instances: 'all' })
  const plans = (await client.plans.list()).items.map(({ id }) => id)
  const counted = (await client.restorePoints.list({ limit: 500 })).items.length
  await expect(execute('manager-forget-key')).rejects.toThrow(/there is nothing to forget/)
  await fixture.manager.stop()
  await rm(join(environment.DATA_DIR ?? '', 'secret.key'))
  const { DATABASE_URL = '', DATA_DIR = '' } = environment
  const refused = startManagerProgram({ DATABASE_URL, DATA_DIR })
  expect(await refused.ended()).toBe(1)
  expect(refused.output()).toContain('is not the key')

  expect(await execute('manager-forget-key')).toMatch(
    /[1-9]\d* passwords of agents[\s\S]* 1 secrets of destinations[\s\S]* 0 secrets of notification channels[\s\S]* 1 broker accounts/,
  )
  await fixture.restartManager()
  expect((await fixture.client.destinations.get(destination.id)).store).toMatchObject({ authSecretSet: false })
  const authorization = `Basic ${Buffer.from(`broker:${password}`).toString('base64')}`
  expect((await fixture.call('GET', '/v1/plans', undefined, { authorization })).status).toBe(403)
  await fixture.client.brokerAccounts.update('broker', { password: 'another password of it' })
  await fixture.manager.stop()
  await run('npm', ['start', '--', 'key', 'rotate'], { cwd: project, env: environment })
  await fixture.restartManager()
  expect((await fixture.client.plans.list()).items.map(({ id }) => id)).toEqual(plans)
  expect((await fixture.client.restorePoints.list({ limit: 500 })).items).toHaveLength(counted)
  await fixture.client.destinations.update(destination.id, { store: { kind: 's3', authSecret } })
  const { agentId } = await fixture.client.instances.get(instanceId)
  await fixture.client.agents.update(agentId ?? '', { password: fixture.agent.password ?? '' })
  const { items } = await fixture.client.destinations.list({ instance: instanceId, kind: 'file' })
  const plan = await fixture.createPlan({ destinationId: items[0]?.id ?? '' })
  expect((await fixture.runPlan(plan.id)).state).toBe('succeeded')
})

test('every command of the page about the manager was run', () => {
  expect([...untested]).toEqual([])
})
