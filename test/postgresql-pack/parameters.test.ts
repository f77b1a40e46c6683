import { expect, test } from 'vitest'
import { differences, digestOf } from './catalogue-digest.ts'
import { migrate } from './databases/fixture.ts'
import { grants } from './databases/privileges.ts'
import { dependentViews, partitions } from './databases/tables.ts'
import { largeObjects, typesAndFunctions } from './databases/types.ts'
import { succeeded, useAgent, useServer } from './harness.ts'
import { createAndBackUp } from './round-trip.ts'

const servers = useServer()
const agents = useAgent()
const bench = () => ({ server: servers.server, agent: agents.agent })

const wrong: readonly (readonly [name: string, value: string | number])[] = [
  ['mode', 'swop'],
  ['mode', 'Swap '],
  ['missing_roles', 'ignore'],
  ['superuser_objects', 'allow'],
  ['terminate_sessions', 'yes'],
  ['no_privileges', '1'],
  ['sslmode', 'always'],
  ['lock_timeout_seconds', 0],
  ['lock_timeout_seconds', '1h'],
  ['parallel', 65],
  ['parallel', -2],
  ['keep_previous_hours', '1.5'],
  ['keep_previous_hours', '99999999999999999999'],
  ['max_lag_seconds', -1],
  ['connect_timeout', '0; touch /tmp/x'],
]

test('a wrong value of a parameter is rejected, and named with what it may be', async () => {
  const { server, agent } = bench()
  for (const [name, value] of wrong) {
    const target = { server, database: 'postgres', setup: 'owner', parameters: { [name]: value } } as const
    await expect(agent.startBackup(target), name).rejects.toThrow(
      new RegExp(`400 .*parameter .{0,3}${name}.{0,3} must be`),
    )
    await expect(agent.startRestore(target, 'x.dump'), name).rejects.toThrow(/must be/)
  }
})

test.each([
  { fixture: partitions, name: partitions.name, setup: 'owner+superuser' },
  { fixture: typesAndFunctions, name: typesAndFunctions.name, setup: 'superuser' },
  { fixture: largeObjects, name: largeObjects.name, setup: 'owner+creator' },
] as const)('parallel=2 restores $name all the same: as $setup', async ({ fixture, setup }) => {
  const { server, agent } = bench()
  const { database, filename, before } = await createAndBackUp(bench(), fixture, setup)
  await migrate(server, fixture, database)
  succeeded(await agent.restore({ server, database, setup, parameters: { parallel: 2 } }, filename))
  expect(differences(before, await digestOf(server, database))).toEqual([])
})

test('parallel is refused in mode in-place, which is one transaction', async () => {
  const { server, agent } = bench()
  const { database, filename, before } = await createAndBackUp(bench(), dependentViews, 'owner')
  const parameters = { mode: 'in-place', parallel: 2 }
  const job = await agent.restore({ server, database, setup: 'owner', parameters }, filename)
  expect(job.status).toBe('FAILED')
  expect(job.error_message).toContain('parallel')
  expect(differences(before, await digestOf(server, database))).toEqual([])
})

test.each(['swap', 'in-place'] as const)(
  'no_privileges=true leaves grants out, and nothing else: mode %s',
  async (mode) => {
    const { server, agent } = bench()
    const { database, filename, before } = await createAndBackUp(bench(), grants, 'owner+superuser')
    const parameters = { mode, no_privileges: true }
    succeeded(await agent.restore({ server, database, setup: 'owner+superuser', parameters }, filename))
    const after = await digestOf(server, database)
    const rows = (digest: typeof before) => Object.entries(digest).filter(([key]) => key.startsWith('rows of'))
    expect(rows(after)).toEqual(rows(before))
    expect(await server.sql(database, `SELECT count(*) FROM pg_policy`)).toBe('4')
    expect(await server.sql(database, `SELECT relacl IS NULL FROM pg_class WHERE oid = 'account'::regclass`)).toBe('t')
  },
)
