import { expect, test } from 'vitest'
import { differences, digestOf } from './catalogue-digest.ts'
import { createEmptyDatabase, dropDatabase } from './databases/fixture.ts'
import { succeeded, useAgent, useServer } from './harness.ts'
import { isFullMatrix } from './matrix.ts'
import { regressionDatabase, restoreRegressionDatabase } from './regression-database.ts'
import { dropAfterTest, modes } from './round-trip.ts'

const database = await regressionDatabase()
const problem = typeof database === 'string' ? ` (skipped: ${database})` : ''

// In one transaction it needs more locks than the default of 6,400.
const servers = useServer({ settings: { max_locks_per_transaction: '512', max_prepared_transactions: '2' } })
const agents = useAgent()

test.skipIf(problem).each(modes)(
  `PostgreSQL’s regression database comes back: mode %s, as the superuser who owns it${problem}`,
  async (mode) => {
    if (typeof database === 'string') return
    const { server } = servers
    const { agent } = agents
    dropAfterTest(server, 'regression')
    await restoreRegressionDatabase(server, database)
    const before = await digestOf(server, 'regression')
    expect(Object.keys(before).length).toBeGreaterThan(5000)
    const filename = succeeded(await agent.backup({ server, database: 'regression', setup: 'superuser' }))

    const target = { server, database: 'regression', setup: 'superuser', parameters: { mode } } as const
    if (isFullMatrix || mode === 'swap') {
      await server.sql('regression', 'DROP TABLE tenk1 CASCADE; CREATE TABLE added_later (id int); DELETE FROM onek')
      succeeded(await agent.restore(target, filename))
      expect(differences(before, await digestOf(server, 'regression'))).toEqual([])
    }

    if (isFullMatrix || mode === 'in-place') {
      await dropDatabase(server, 'regression')
      await createEmptyDatabase(server, { ownedBy: 'superuser' }, 'regression')
      succeeded(await agent.restore(target, filename))
      expect(differences(before, await digestOf(server, 'regression'))).toEqual([])
    }
  },
)

test.skipIf(problem !== '' || !isFullMatrix)(
  `the digest of PostgreSQL’s regression database is the same after a superuser’s restore${problem}`,
  async () => {
    if (typeof database === 'string') return
    const { server } = servers
    dropAfterTest(server, 'regression')
    await restoreRegressionDatabase(server, database)
    const before = await digestOf(server, 'regression')
    const dump = `${server.socketFolder}/dump`
    await server.program('pg_dump', ['-Fc', '--create', '-f', dump], 'regression')
    await dropDatabase(server, 'regression')
    await server.program('pg_restore', ['--create', '--exit-on-error', '-d', 'postgres', dump], 'postgres')
    expect(differences(before, await digestOf(server, 'regression'))).toEqual([])
  },
)
