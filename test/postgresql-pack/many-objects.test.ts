import { expect, test } from 'vitest'
import { differences, digestOf } from './catalogue-digest.ts'
import { createEmptyDatabase, migrate } from './databases/fixture.ts'
import { manyLargeObjects, manyTables } from './databases/large.ts'
import { succeeded, useAgent, useServer } from './harness.ts'
import { fullOr } from './matrix.ts'
import { createAndBackUp, dropAfterTest, newName } from './round-trip.ts'

// A quarter of the default: as many locks, and as many objects in the databases.
const servers = useServer({ settings: { max_connections: '25' } })
const agents = useAgent()
const all = [
  { what: '1,250 tables', fixture: manyTables, mode: 'swap' },
  { what: '1,250 tables', fixture: manyTables, mode: 'in-place' },
  { what: '5,000 large objects', fixture: manyLargeObjects, mode: 'swap' },
  { what: '5,000 large objects', fixture: manyLargeObjects, mode: 'in-place' },
] as const
const cases = fullOr(all, ({ fixture, mode }) => (fixture === manyTables) === (mode === 'swap'))

async function useDefaultSettings(): Promise<void> {
  await servers.server.sql('postgres', 'ALTER SYSTEM RESET ALL')
  await servers.server.restart()
}

test.each(cases)(
  '$what are refused in one transaction with the default number of locks, and restored in mode $mode as the refusal says',
  async ({ fixture, mode }) => {
    const { server } = servers
    const { agent } = agents
    await useDefaultSettings()
    const { database, filename, before } = await createAndBackUp({ server, agent }, fixture, 'owner')
    await migrate(server, fixture, database)
    const migrated = await digestOf(server, database)

    const inPlace = { server, database, setup: 'owner', parameters: { mode: 'in-place' } } as const
    const rejected = await agent.restore(inPlace, filename)
    expect(rejected.status).toBe('FAILED')
    expect(rejected.error_message).toMatch(/max_locks_per_transaction\D+(\d+)/)
    expect(differences(migrated, await digestOf(server, database))).toEqual([])

    if (mode === 'in-place') {
      const value = rejected.error_message?.match(/max_locks_per_transaction\D+(\d+)/)?.[1]
      await server.sql('postgres', `ALTER SYSTEM SET max_locks_per_transaction = ${value}`)
      await server.restart()
      succeeded(await agent.restore(inPlace, filename))
    } else {
      const swap = { server, database, setup: 'owner+superuser', parameters: { mode } } as const
      succeeded(await agent.restore(swap, filename))
    }
    expect(differences(before, await digestOf(server, database))).toEqual([])
  },
)

test('5,000 large objects are restored into an empty database by a swap with the default number of locks', async () => {
  const { server } = servers
  const { agent } = agents
  await useDefaultSettings()
  const { filename, before } = await createAndBackUp({ server, agent }, manyLargeObjects, 'superuser')
  const empty = newName('empty')
  dropAfterTest(server, empty)
  await createEmptyDatabase(server, manyLargeObjects, empty)
  const target = { server, database: empty, setup: 'superuser', parameters: { mode: 'swap' } } as const
  succeeded(await agent.restore(target, filename))
  expect(differences(before, await digestOf(server, empty))).toEqual([])
})
