import { makeTemporaryFolder, startManagerProcess } from '@osb-backup/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { registerInstance } from '../fixtures/register-instance.ts'
import { errorsOf, jobEnd, makePlan, runBackup, startAgentWith } from '../main-job/fixture.ts'
import { createDatabase, type DatabaseFixture, owner } from './databases/fixture.ts'
import { useServer } from './harness.ts'
import { databasesOf, dropAfterTest } from './round-trip.ts'
import { superuser } from './servers.ts'

const servers = useServer()

const shop: DatabaseFixture = {
  name: 'shop',
  needs: 'superuser',
  steps: [
    ['owner', 'CREATE TABLE t (id int); INSERT INTO t VALUES (1)'],
    // Only the second account can read it.
    ['superuser', 'CREATE TABLE audit (id int); INSERT INTO audit VALUES (1)'],
  ],
}

test('a manager shows the warnings of the pack with restore points and jobs, and hands accounts and parameters to it', async () => {
  const { server } = servers
  const stack = new AsyncDisposableStack()
  onTestFinished(() => stack.disposeAsync())
  const data = stack.use(await makeTemporaryFolder())
  const agent = stack.use(await startAgentWith('postgresql'))
  const { client, stop } = await startManagerProcess({ DATA_DIR: data.path, FILE_DESTINATION_ROOT: agent.folder })
  stack.defer(() => stop())

  const database = 'shop'
  dropAfterTest(server, database)
  await createDatabase(server, shop, database)
  await registerInstance(client, 'shop-db', agent, {
    hosts: [{ address: server.host, port: server.port }],
    database: {
      username: owner.username,
      password: owner.password,
      privilegedUsername: superuser.username,
      privilegedPassword: superuser.password,
    },
    parameters: { lock_timeout_seconds: 30, mode: 'in-place' },
  })
  const store = { kind: 'file', directory: agent.folder } as const
  const plan = await makePlan(client, 'shop-db', [database], { name: 'files', store })
  const backup = await runBackup(client, plan)
  expect(errorsOf(backup)).toEqual({ [database]: undefined })
  const warning = expect.objectContaining({ code: 'superuser-owned', message: expect.stringContaining('audit') })
  expect(backup.parts[0]?.warnings).toContainEqual(warning)
  const points = (await client.restorePoints.list({ job: backup.id })).items
  expect(points).toHaveLength(1)
  expect(points[0]?.warnings).toContainEqual(warning)

  await server.sql(database, 'DELETE FROM t; DELETE FROM audit')
  const databases = await databasesOf(server)
  const restore = async (parameters: Record<string, string | number>) => {
    const { id } = await client.restorePoints.restore(points[0]?.id ?? '', { parameters })
    return jobEnd(client, id)
  }
  const wrong = await restore({ mode: 'nonsense' })
  expect(errorsOf(wrong)[database]).toContain('parameter "mode" must be one of auto, swap, in-place')
  const restored = await restore({ mode: 'swap', keep_previous_hours: 0 })
  expect(errorsOf(restored)).toEqual({ [database]: undefined })
  expect(restored.parts[0]?.warnings.map(({ code }) => code)).toContain('superuser-owned')
  expect(await server.sql(database, 'SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM audit)')).toBe('1|1')
  expect(await databasesOf(server)).toEqual(databases)
})
