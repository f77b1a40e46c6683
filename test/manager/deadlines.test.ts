import { join } from 'node:path'
import { type ManagerProcess, makeTemporaryFolder, startManagerProcess } from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { registerInstance, unreachableAgent } from '../fixtures/register-instance.ts'
import { makeDatabase, type OwnDatabase } from './own-database.ts'

let stack: AsyncDisposableStack
let database: OwnDatabase
let manager: ManagerProcess

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  database = stack.use(await makeDatabase())
  const folder = stack.use(await makeTemporaryFolder()).path
  manager = await startManagerProcess({
    DATABASE_URL: database.url,
    DATA_DIR: join(folder, 'manager'),
    FILE_DESTINATION_ROOT: folder,
  })
  stack.defer(() => manager.stop())
  const { client } = manager
  await registerInstance(client, 'i', unreachableAgent)
  const store = { kind: 'file', directory: folder } as const
  const destination = await client.destinations.create({ instanceId: 'i', name: 'f', store })
  const plan = await client.plans.create({
    instanceId: 'i',
    name: 'nightly',
    destinationId: destination.id,
    schedule: { cron: '0 0 2 29 2 *' },
    retention: { style: 'all' },
    items: ['db'],
  })
  await database.query(
    `insert into restore_points (id, job_id, plan_id, instance_id, destination_id, item, prefix, filename, size_bytes, transformed_by,
       compression_requested, compression, encrypted, taken_at, suspicious, removal_requested_at, removal_reason)
     values ('removed', 'job', $1, 'i', $2, 'db', 'p/', 'none', 1, 'agent', false, 'none', false, now(), false, now(), 'REQUESTED')`,
    [plan.id, destination.id],
  )
})
afterAll(() => stack.disposeAsync())

test.for([
  ['a heartbeat of a manager that has died', 'managers', 'heartbeat_at', "insert into managers (id) values ('dead')"],
  ['the check of an agent', 'agents', 'check_at', undefined],
  ['the retention of a plan', 'backup_plans', 'retention_due_at', undefined],
  ['the removal of an object', 'restore_points', 'next_removal_at', undefined],
] as const)(
  '%s that was dated while the clock was ahead does not outlast the correction',
  async ([, table, column, before]) => {
    if (before !== undefined) await database.query(before)
    await database.query(`update ${table} set ${column} = now() + interval '30 days'`)
    const ahead = () => database.query(`select ${column} from ${table} where ${column} > now() + interval '1 day'`)
    await expect.poll(ahead, { timeout: 60_000, interval: 250 }).toEqual([])
  },
)
