import type { AgentJob } from '@osb-backup/protocol'
import { expect, test } from 'vitest'
import { differences, digestOf } from './catalogue-digest.ts'
import { untrustedExtensions } from './databases/extensions.ts'
import { createDatabase, createEmptyDatabase, type DatabaseFixture, migrate } from './databases/fixture.ts'
import { beyondTheOwner, grants } from './databases/privileges.ts'
import { createAccounts, succeeded, useAgent, useServer } from './harness.ts'
import { createAndBackUp, databasesOf, dropAfterTest, newName, whyNotHere } from './round-trip.ts'
import { PostgresServer } from './servers.ts'

const servers = useServer()
const agents = useAgent()
const bench = () => ({ server: servers.server, agent: agents.agent })

/** Creates the database of a fixture. It goes with the test. */
async function create(fixture: DatabaseFixture): Promise<string> {
  const database = newName(fixture.name)
  dropAfterTest(servers.server, database)
  await createDatabase(servers.server, fixture, database)
  return database
}

const noExtensions = await whyNotHere(untrustedExtensions)

test.skipIf(noExtensions)(
  'the owner alone restores over its live and migrated database, whose extensions a superuser created',
  async () => {
    const { server, agent } = bench()
    const { database, filename, before } = await createAndBackUp(bench(), untrustedExtensions, 'owner')
    succeeded(await agent.restore({ server, database, setup: 'owner' }, filename))
    expect(differences(before, await digestOf(server, database))).toEqual([])
    await migrate(server, untrustedExtensions, database)
    succeeded(await agent.restore({ server, database, setup: 'owner' }, filename))
    expect(differences(before, await digestOf(server, database))).toEqual([])
  },
)

test.skipIf(noExtensions).each(['owner', 'owner+creator'] as const)(
  'extensions that the accounts cannot create are named, and nothing changes: as %s',
  async (setup) => {
    const { server, agent } = bench()
    const { filename } = await createAndBackUp(bench(), untrustedExtensions, 'owner')
    const empty = newName('empty')
    dropAfterTest(server, empty)
    await createEmptyDatabase(server, {}, empty)
    const before = await digestOf(server, empty)
    const databases = await databasesOf(server)
    const job = await agent.restore({ server, database: empty, setup }, filename)
    expect(job.status).toBe('FAILED')
    for (const extension of ['postgres_fdw', 'dblink', 'pg_stat_statements'])
      expect(job.error_message).toContain(extension)
    expect(differences(before, await digestOf(server, empty))).toEqual([])
    expect(await databasesOf(server)).toEqual(databases)
  },
)

test('what the account cannot dump fails the check, with its names', async () => {
  const { server, agent } = bench()
  const database = await create(beyondTheOwner)
  const job = await agent.backup({ server, database, setup: 'owner' })
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'pre-backup-check' })
  for (const name of ['forced', 'revoked', '4713']) expect(job.error_message).toContain(name)
})

const needs: readonly (readonly [string, DatabaseFixture, RegExp])[] = [
  ['roles', grants, /reader/],
  ['extensions', untrustedExtensions, /postgres_fdw/],
]
test.each(needs)('a backup says which %s its restore will need', async (_, fixture, expected) => {
  const job = await bench().agent.backup({ server: servers.server, database: await create(fixture), setup: 'owner' })
  succeeded(job)
  expect(JSON.stringify(job)).toMatch(expected)
})

test('a backup says which locks its restore will need', async () => {
  // A tenth of the default, and of the tables that would exceed it.
  await using server = await PostgresServer.start({
    settings: { max_locks_per_transaction: '10', max_connections: '40', max_prepared_transactions: '0' },
  })
  await createAccounts(server)
  const tables = Array.from({ length: 500 }, (_, i) => `CREATE TABLE t${i} (id int);`)
  const database = newName('locks')
  await createDatabase(server, { name: 'locks', needs: 'owner', steps: [['owner', tables.join('\n')]] }, database)
  const job = await bench().agent.backup({ server, database, setup: 'owner' })
  succeeded(job)
  expect(JSON.stringify(job)).toMatch(/max_locks_per_transaction/)
})

const modes = ['swap', 'in-place'] as const

/** Objects in the database of an application's role that only a superuser can create. */
const ofSuperuser = {
  watcher: `CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER watcher ON ddl_command_end EXECUTE FUNCTION on_ddl()`,
  everything: 'CREATE PUBLICATION everything FOR ALL TABLES',
  upper_c: `CREATE FUNCTION upper_c(text) RETURNS text LANGUAGE internal IMMUTABLE STRICT AS 'upper'; ALTER FUNCTION upper_c(text) OWNER TO app`,
}

/** Creates a database of the owner's, in which a superuser created something. */
const createWith = (sql: string): Promise<string> =>
  create({
    name: 'object-of-superuser',
    needs: 'superuser',
    steps: [
      ['owner', 'CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)'],
      ['superuser', sql],
    ],
  })

test.each(Object.entries(ofSuperuser))('what only a superuser can create fails the check: %s', async (name, sql) => {
  const { server, agent } = bench()
  const database = await createWith(sql)
  const job = await agent.backup({ server, database, setup: 'owner+superuser' })
  expect(job).toMatchObject({ status: 'FAILED', failed_stage: 'pre-backup-check' })
  expect(job.error_message).toContain(name)
})

test.each(['watcher', 'everything'] as const)(
  'what only a superuser can create is left out where that is asked for, with a warning each time: %s',
  async (name) => {
    const { server, agent } = bench()
    const database = await createWith(ofSuperuser[name])
    const before = await digestOf(server, database)
    const parameters = { superuser_objects: 'skip' }
    const backup = await agent.backup({ server, database, setup: 'owner+superuser', parameters })
    const filename = succeeded(backup)
    expect(messagesOf(backup, 'superuser-objects')).toContain(name)
    await server.sql(database, 'DELETE FROM t')
    const restore = await agent.restore({ server, database, setup: 'owner+superuser', parameters }, filename)
    succeeded(restore)
    expect(messagesOf(restore, 'superuser-objects')).toContain(name)
    const lost = differences(before, await digestOf(server, database))
    expect(lost.length).toBeGreaterThan(0)
    expect(lost.filter((line) => !(line.startsWith('- ') && line.includes(name)) && !line.includes('on_ddl'))).toEqual(
      [],
    )
  },
)

test.each(modes)(
  'a table of a superuser comes back as the owner’s, with a warning at the backup and at the restore: mode %s',
  async (mode) => {
    const { server, agent } = bench()
    const source = await createWith(
      'CREATE TABLE audit (id int PRIMARY KEY, note text); INSERT INTO audit VALUES (1, $$kept$$)',
    )
    const before = await digestOf(server, source)
    const backup = await agent.backup({ server, database: source, setup: 'owner+superuser' })
    const filename = succeeded(backup)
    expect(messagesOf(backup, 'superuser-owned')).toContain('audit')
    // In place, the owner could not replace it.
    const database = mode === 'swap' ? source : newName('elsewhere')
    if (mode === 'in-place') {
      dropAfterTest(server, database)
      await createEmptyDatabase(server, {}, database)
    } else await server.sql(database, 'DELETE FROM t; DELETE FROM audit')
    const restore = await agent.restore({ server, database, setup: 'owner+superuser', parameters: { mode } }, filename)
    succeeded(restore)
    expect(messagesOf(restore, 'superuser-owned')).toMatch(/superuser.*app/)
    const found = await digestOf(server, database)
    const changed = differences(before, found)
    expect(changed.filter((line) => !line.includes('audit'))).toEqual([])
    expect(changed.filter((line) => line.includes('rows of'))).toEqual([])
    expect(await server.sql(database, `SELECT relowner::regrole FROM pg_class WHERE oid = 'audit'::regclass`)).toBe(
      'app',
    )
  },
)

function messagesOf({ warnings = [] }: AgentJob, code: string): string {
  return warnings
    .filter((warning) => warning.code === code)
    .map(({ message }) => message)
    .join('\n')
}
