import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ManagerProcess, makeTemporaryFolder, startManagerProcess } from '@osb-backup/testkit'
import { afterAll, beforeAll, type TestContext, test } from 'vitest'
import { registerInstance, unreachableAgent } from '../fixtures/register-instance.ts'
import { makeDatabase, type OwnDatabase } from './own-database.ts'

let stack: AsyncDisposableStack
let database: OwnDatabase
let manager: ManagerProcess
let folder: string

const soon = { timeout: 240_000, interval: 250 }

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  database = stack.use(await makeDatabase())
  folder = stack.use(await makeTemporaryFolder()).path
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
  await mkdir(join(folder, 'p'))
  await writeFile(join(folder, 'p', 'deleted'), 'x')
  await database.query(
    `insert into restore_points (id, job_id, plan_id, instance_id, destination_id, item, prefix, filename, size_bytes, transformed_by,
       compression_requested, compression, encrypted, taken_at, suspicious, removal_requested_at, removal_reason, removal_attempts,
       next_removal_at)
     select id, id, $1, 'i', $2, 'db', 'p/', id, 1, 'agent', false, 'none', false, now(), false, requested, reason, attempts,
       requested + interval '1 hour'
     from (values ('retried', now(), 'REQUESTED', 1), ('locked', now(), 'REQUESTED', 1), ('marked', now(), 'REQUESTED', 0),
       ('deleted', null, null, 0)) as points (id, requested, reason, attempts)`,
    [plan.id, destination.id],
  )
})
afterAll(() => stack.disposeAsync())

// They wait for the next run of a periodic task, each for changes of its own.
test.concurrent.for([
  ['a heartbeat of a manager that has died', 'managers', 'heartbeat_at', "insert into managers (id) values ('dead')"],
  ['the check of an agent', 'agents', 'check_at', undefined],
  ['the retention of a plan', 'backup_plans', 'retention_due_at', undefined],
] as const)(
  '%s that was dated while the clock was ahead does not outlast the correction',
  async ([, table, column, before], { expect }) => {
    if (before !== undefined) await database.query(before)
    await database.query(`update ${table} set ${column} = now() + interval '30 days'`)
    const ahead = () => database.query(`select ${column} from ${table} where ${column} > now() + interval '1 day'`)
    await expect.poll(ahead, soon).toEqual([])
  },
)

/** Waits until a pass of the task has corrected the removals: one whose further attempt was dated while the clock was ahead. */
async function waitForPass({ expect }: Pick<TestContext, 'expect'>): Promise<void> {
  await database.query(
    "update restore_points set deleted_at = null, next_removal_at = now() + interval '30 days' where id = 'retried'",
  )
  const ahead = () =>
    database.query("select id from restore_points where id = 'retried' and next_removal_at > now() + interval '1 day'")
  await expect.poll(ahead, soon).toEqual([])
}

test.concurrent('a deleted restore point keeps its object for the whole grace period, and can be undeleted', async ({
  expect,
}) => {
  const { restorePoints } = manager.client
  await restorePoints.delete('deleted')
  const { deletion } = await restorePoints.get('deleted')
  expect(Date.parse(deletion?.nextAttemptAt ?? '') - Date.parse(deletion?.requestedAt ?? '')).toBe(24 * 3_600_000)
  await waitForPass({ expect })
  expect((await restorePoints.get('deleted')).deletion).toEqual(deletion)
  expect(existsSync(join(folder, 'p', 'deleted'))).toBe(true)
  expect(await restorePoints.undelete('deleted')).not.toHaveProperty('deletion')
})

test.concurrent('a grace period that began while the clock was ahead begins now, and is not shortened', async ({
  expect,
}) => {
  await database.query(
    `update restore_points set removal_requested_at = now() + interval '30 days', next_removal_at = now() + interval '32 days'
     where id = 'marked'`,
  )
  await waitForPass({ expect })
  const { deletion } = await manager.client.restorePoints.get('marked')
  expect(Date.parse(deletion?.requestedAt ?? '')).toBeLessThan(Date.now() + 86_400_000)
  expect(Date.parse(deletion?.nextAttemptAt ?? '') - Date.parse(deletion?.requestedAt ?? '')).toBe(2 * 86_400_000)
})

test.concurrent('an object that its store has locked is not tried before the lock ends', async ({ expect }) => {
  await database.query(
    `update restore_points set object_locked_until = now() + interval '30 days', next_removal_at = now() + interval '30 days'
     where id = 'locked'`,
  )
  await waitForPass({ expect })
  const { deletion } = await manager.client.restorePoints.get('locked')
  expect(Date.parse(deletion?.lockedUntil ?? '')).toBeGreaterThan(Date.now() + 86_400_000)
  expect(deletion).toMatchObject({ attempts: 1, nextAttemptAt: deletion?.lockedUntil })
})
