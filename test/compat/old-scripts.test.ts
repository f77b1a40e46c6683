import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PlanCreate } from '@osb-backup/protocol/v1'
import {
  type AgentProcess,
  type ManagerProcess,
  makeTemporaryFolder,
  startAgentProcess,
  startManagerProcess,
} from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest'
import { registerInstance } from '../fixtures/register-instance.ts'
import { dropDatabase, recreateDatabase, withDatabase } from '../main-job/databases.ts'
import { errorsOf, jobEnd } from '../main-job/fixture.ts'
import { makePlaces, places } from '../main-job/places.ts'
import { mongodb, mysql, type OldScripts, postgresql, writeRecordingClients, writeScripts } from './old-scripts.ts'

let stack: AsyncDisposableStack
let manager: ManagerProcess

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  const folder = stack.use(await makeTemporaryFolder()).path
  await makePlaces()
  manager = await startManagerProcess({ DATA_DIR: join(folder, 'manager') })
  stack.defer(() => manager.stop())
})

afterAll(() => stack.disposeAsync())

interface Server {
  host: string
  username: string
  password: string
  parameters?: Record<string, unknown>
}

/** Our agent with a set of old scripts, and a plan of a database there. They end with the test. */
async function planWith(scripts: OldScripts, server: Server, item: string, fields: Partial<PlanCreate> = {}) {
  const cleanup = new AsyncDisposableStack()
  onTestFinished(() => cleanup.disposeAsync())
  const folder = cleanup.use(await makeTemporaryFolder()).path
  await writeScripts(join(folder, 'scripts'), scripts)
  await writeRecordingClients(join(folder, 'bin'))
  const agent: AgentProcess = await startAgentProcess({
    directory_backup: join(folder, 'backup'),
    directory_restore: join(folder, 'restore'),
    scripts_path: join(folder, 'scripts'),
    // Without it, a parameter cannot say where the clients of a database connect to.
    allowed_parameters: '*, PGPORT',
    PATH: `${join(folder, 'bin')}:${inject('lab').postgresql.bin}:${process.env.PATH}`,
  })
  cleanup.defer(() => agent.stop())
  const { client } = manager
  const instanceId = `old-${Math.random().toString(36).slice(2)}`
  const { host, username, password, parameters = {} } = server
  await registerInstance(client, instanceId, agent, {
    hosts: [{ address: host }],
    database: { username, password },
    parameters,
  })
  const destination = await client.destinations.create({ instanceId, ...places('').s3.destination })
  const plan = await client.plans.create({
    instanceId,
    name: 'nightly',
    destinationId: destination.id,
    items: [item],
    schedule: { cron: '0 0 2 29 2 *' },
    retention: { style: 'all' },
    compression: { algorithm: 'none' },
    ...fields,
  })
  return { folder, plan }
}

/** Backs a plan up and restores it, and returns what the scripts printed to standard error. */
async function backUpAndRestore(planId: string, between: () => Promise<void> = async () => undefined) {
  const { client } = manager
  const backup = await jobEnd(client, (await client.plans.run(planId)).id)
  expect({ state: backup.state, errors: errorsOf(backup) }).toEqual({ state: 'succeeded', errors: {} })
  const [point] = (await client.restorePoints.list({ job: backup.id })).items
  await between()
  const restore = await jobEnd(client, (await client.restorePoints.restore(point?.id ?? '')).id)
  expect({ state: restore.state, errors: errorsOf(restore) }).toEqual({ state: 'succeeded', errors: {} })
  const logs = [...(await client.jobs.logs(backup.id)).items, ...(await client.jobs.logs(restore.id)).items]
  return { point, errors: logs.filter(({ stream }) => stream === 'stderr').map(({ text }) => text) }
}

/** Keys that only scripts understand. */
const encryption = { publicKey: 'a-passphrase', privateKey: 'a-passphrase' }
const variants: [string, Partial<PlanCreate>][] = [
  ['as it is', {}],
  ['compressed', { compression: { algorithm: 'gzip' } }],
  ['compressed and encrypted by the scripts', { compression: { algorithm: 'zstd' }, encryption }],
]

test.each(variants)('old scripts for PostgreSQL dump and restore, %s', async (_how, fields) => {
  const { url: postgresqlUrl } = inject('lab').postgresql
  const { hostname, port, username, password } = new URL(postgresqlUrl)
  const database = `old_scripts_${Math.random().toString(36).slice(2)}`
  await recreateDatabase(postgresqlUrl, database)
  onTestFinished(() => dropDatabase(postgresqlUrl, database))
  const count = async () =>
    (await withDatabase(postgresqlUrl, database, (client) => client.query('select sum(x) from t'))).rows[0]?.sum
  await withDatabase(postgresqlUrl, database, (client) =>
    client.query('create table t as select generate_series(1, 1000) as x'),
  )
  const server = { host: hostname, username, password, parameters: { PGPORT: port } }
  const { plan } = await planWith(postgresql, server, database, fields)
  const { point, errors } = await backUpAndRestore(plan.id, async () => {
    await withDatabase(postgresqlUrl, database, (client) => client.query('truncate t'))
  })
  expect(await count()).toBe('500500')
  expect(errors.join('')).toMatch(new RegExp(`Locking database ${database}[^]*Unlocked database ${database}`))
  const compressionRequested = fields.compression !== undefined
  const encrypted = fields.encryption !== undefined
  expect(point).toMatchObject({ transformedBy: 'script', compressionRequested, encrypted, compression: 'none' })
})

test.each([
  [
    'MongoDB',
    mongodb,
    'archive of shop',
    [
      'mongodump --host 10.0.0.7 --username dba --password pw --db shop --archive',
      'mongorestore --host 10.0.0.7 --username dba --password pw --drop --archive',
    ],
  ],
  [
    'MySQL',
    mysql,
    'insert into shop',
    ['mysqldump -h 10.0.0.7 -u dba -ppw --single-transaction --databases shop', 'mysql -h 10.0.0.7 -u dba -ppw'],
  ],
] as const)('old scripts for %s call their clients as with the Go agent', async (_name, scripts, content, calls) => {
  for (const [, fields] of variants) {
    const server = { host: '10.0.0.7', username: 'dba', password: 'pw' }
    const { plan, folder } = await planWith(scripts, server, 'shop', fields)
    const { errors } = await backUpAndRestore(plan.id)
    expect(await readFile(join(folder, 'bin', 'loaded'), 'utf8')).toBe(content)
    expect((await readFile(join(folder, 'bin', 'calls'), 'utf8')).trim().split('\n')).toEqual(calls)
    expect(errors.join('')).toContain('Unlocked database shop')
  }
})
