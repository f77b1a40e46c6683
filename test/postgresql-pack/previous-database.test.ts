import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { differences, digestOf } from './catalogue-digest.ts'
import { migrate, owner, quoteIdentifier, quoteLiteral } from './databases/fixture.ts'
import { dependentViews } from './databases/tables.ts'
import { accountsOf, type Setup, succeeded, useAgent, useServer } from './harness.ts'
import { createAndBackUp, databasesOf } from './round-trip.ts'
import type { PostgresServer } from './servers.ts'

const run = promisify(execFile)
const servers = useServer()
const agents = useAgent()
const script = join(import.meta.dirname, '../../script-packs/postgresql/undo-restore.sh')

/** Backs a database up, changes it, and restores it by a swap. */
async function swap(setup: Setup, parameters: Record<string, string | number> = {}) {
  const { server } = servers
  const { agent } = agents
  const { database, filename, before } = await createAndBackUp({ server, agent }, dependentViews, setup)
  await server.sql(
    database,
    `COMMENT ON DATABASE ${quoteIdentifier(database)} IS 'it''s "mine"'; ALTER DATABASE ${quoteIdentifier(database)} CONNECTION LIMIT 23`,
  )
  await migrate(server, dependentViews, database)
  const replaced = await digestOf(server, database)
  const databases = await databasesOf(server)
  const target = { server, database, setup, parameters: { mode: 'swap', ...parameters } }
  succeeded(await agent.restore(target, filename))
  expect(differences(before, await digestOf(server, database))).toEqual([])
  const kept = (await databasesOf(server)).filter((name) => !databases.includes(name))
  return { server, agent, target, database, databases, filename, before, replaced, kept }
}

/** Runs undo-restore.sh as the README of the pack says. */
async function undo(server: PostgresServer, database: string, setup: Setup): Promise<void> {
  const { username = '', password = '', backupUsername, backupPassword } = accountsOf(setup)
  const environment = {
    PATH: `${server.clientPrograms}:${process.env.PATH}`,
    BACKUP_HOST: server.host,
    BACKUP_PORT: String(server.port),
    BACKUP_DATABASE: database,
    BACKUP_USERNAME: username,
    BACKUP_PASSWORD: password,
  }
  const second =
    backupUsername === undefined || backupPassword === undefined
      ? {}
      : { BACKUP_BACKUP_USERNAME: backupUsername, BACKUP_BACKUP_PASSWORD: backupPassword }
  await run('bash', [script], { env: { ...environment, ...second }, cwd: '/' })
}

test.each(['superuser', 'owner+creator'] as const)(
  'undo-restore.sh puts the replaced database back, with its comment and connection limit, and can undo itself: as %s',
  async (setup) => {
    const { server, database, before, replaced } = await swap(setup)
    await undo(server, database, setup)
    expect(differences(replaced, await digestOf(server, database))).toEqual([])
    await undo(server, database, setup)
    expect(differences(before, await digestOf(server, database))).toEqual([])
  },
)

test('sessions that begin after the exchange of the databases are not ended', async () => {
  const { server, database } = await swap('superuser')
  const application = new Client(server.connection(database, owner))
  const errors: Error[] = []
  application.on('error', (error) => errors.push(error))
  await application.connect()
  onTestFinished(() => application.end().catch(() => undefined))
  await undo(server, database, 'superuser')
  // Longer than anything that the exchange may have left running on the server.
  expect(await server.sql(database, 'SELECT pg_sleep(7)', owner)).toBe('')
  // The application's own session was in the way, and was ended.
  await expect(application.query('SELECT 1')).rejects.toThrow()
})

test('undo-restore.sh says that there is nothing to undo, and changes nothing', async () => {
  const { server } = servers
  const { database, before } = await createAndBackUp({ server, agent: agents.agent }, dependentViews, 'superuser')
  await expect(undo(server, database, 'superuser')).rejects.toThrow(/there is no previous database/)
  expect(differences(before, await digestOf(server, database))).toEqual([])
})

test('the next backup drops the previous database once its time is over, and not before', async () => {
  const { server, agent, target, databases, kept } = await swap('owner+superuser')
  expect(kept).toHaveLength(1)
  const [previous = ''] = kept
  succeeded(await agent.backup(target))
  expect(await databasesOf(server)).toContain(previous)
  const comment = `SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = ${quoteLiteral(previous)}`
  const changed = (await server.sql('postgres', comment)).replace(
    /"keepUntil": *"[^"]+"/,
    '"keepUntil": "2020-01-01T00:00:00Z"',
  )
  expect(changed).toContain('2020-01-01')
  await server.sql('postgres', `COMMENT ON DATABASE ${quoteIdentifier(previous)} IS ${quoteLiteral(changed)}`)
  succeeded(await agent.backup(target))
  expect(await databasesOf(server)).toEqual(databases)
})

test('a comment of a user does not make a backup drop a database', async () => {
  const { server } = servers
  const { agent } = agents
  const { database } = await createAndBackUp({ server, agent }, dependentViews, 'superuser')
  const other = await createAndBackUp({ server, agent }, dependentViews, 'superuser')
  for (const comment of ['osb-backup: ', 'osb-backup: {', 'osb-backup: {x}', 'osb-backup: {"previous": 1}', 'mine']) {
    await server.sql('postgres', `COMMENT ON DATABASE ${quoteIdentifier(other.database)} IS ${quoteLiteral(comment)}`)
    succeeded(await agent.backup({ server, database, setup: 'superuser' }))
    expect(await databasesOf(server), comment).toContain(other.database)
  }
})

test('keep_previous_hours=0 drops the previous database at once', async () => {
  const { kept } = await swap('superuser', { keep_previous_hours: 0 })
  expect(kept).toEqual([])
})
