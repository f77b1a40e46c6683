import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { differences, digestOf } from './catalogue-digest.ts'
import { createEmptyDatabase, migrate, owner } from './databases/fixture.ts'
import { dependentViews, partitions } from './databases/tables.ts'
import { succeeded, useAgent, useServer } from './harness.ts'
import { createAndBackUp, databasesOf, dropAfterTest, newName } from './round-trip.ts'

const servers = useServer()
const agents = useAgent()
const bench = () => ({ server: servers.server, agent: agents.agent })
const privileged = ['owner+superuser', 'owner+creator', 'superuser'] as const

test.each(privileged)('a swap keeps the previous database, whole, and leaves nothing else: as %s', async (setup) => {
  const { server, agent } = bench()
  const { database, filename, before } = await createAndBackUp(bench(), dependentViews, setup)
  await migrate(server, dependentViews, database)
  const previous = await digestOf(server, database)
  const databases = await databasesOf(server)
  const roles = await server.sql('postgres', 'SELECT rolname FROM pg_roles ORDER BY 1')
  succeeded(await agent.restore({ server, database, setup, parameters: { mode: 'swap' } }, filename))
  expect(differences(before, await digestOf(server, database))).toEqual([])
  const kept = (await databasesOf(server)).filter((name) => !databases.includes(name))
  expect(kept).toHaveLength(1)
  // It is kept from applications, which is all that may differ.
  const ofItself = (line: string) => line.startsWith('~ database:')
  expect(differences(previous, await digestOf(server, kept[0] ?? '')).filter((line) => !ofItself(line))).toEqual([])
  expect(await server.sql('postgres', 'SELECT rolname FROM pg_roles ORDER BY 1')).toBe(roles)
})

test.each(privileged)(
  'a swap that fails drops the new database and leaves the live one alone: as %s',
  async (setup) => {
    const { server, agent } = bench()
    const { database, filename } = await createAndBackUp(bench(), partitions, setup)
    const path = join(agent.under.bucket, 'plan', filename)
    const { size } = await stat(path)
    const damaged = `damaged-${filename}`
    await writeFile(
      join(agent.under.bucket, 'plan', damaged),
      (await readFile(path)).subarray(0, Math.floor(size * 0.7)),
    )
    const live = await digestOf(server, database)
    const databases = await databasesOf(server)
    const application = new Client(server.connection(database, owner))
    await application.connect()
    onTestFinished(() => application.end())
    const job = await agent.restore({ server, database, setup, parameters: { mode: 'swap' } }, damaged)
    expect(job.status).toBe('FAILED')
    // Its session was not ended.
    await application.query('SELECT 1')
    expect(differences(live, await digestOf(server, database))).toEqual([])
    expect(await databasesOf(server)).toEqual(databases)
  },
)

test('a restore that may choose swaps where the account may create databases, and restores in place where it may not', async () => {
  const { server, agent } = bench()
  const { database, filename, before } = await createAndBackUp(bench(), dependentViews, 'owner')
  const oid = () =>
    server.sql('postgres', `SELECT oid FROM pg_database WHERE datname = '${database.replaceAll("'", "''")}'`)
  const first = await oid()
  succeeded(await agent.restore({ server, database, setup: 'owner' }, filename))
  expect(await oid()).toBe(first)
  succeeded(await agent.restore({ server, database, setup: 'owner+creator', parameters: { mode: 'auto' } }, filename))
  const second = await oid()
  expect(second).not.toBe(first)
  onTestFinished(() => server.sql('postgres', 'ALTER ROLE app NOCREATEDB').then(() => undefined))
  await server.sql('postgres', 'ALTER ROLE app CREATEDB')
  succeeded(await agent.restore({ server, database, setup: 'owner' }, filename))
  expect(await oid()).not.toBe(second)
  expect(differences(before, await digestOf(server, database))).toEqual([])
})

test('a swap without an account that may create databases fails, and says what to grant', async () => {
  const { server, agent } = bench()
  const { database, filename } = await createAndBackUp(bench(), dependentViews, 'owner')
  const live = await digestOf(server, database)
  const job = await agent.restore({ server, database, setup: 'owner', parameters: { mode: 'swap' } }, filename)
  expect(job.status).toBe('FAILED')
  expect(job.error_message).toMatch(/CREATEDB|create databases/i)
  expect(differences(live, await digestOf(server, database))).toEqual([])
})

test('a database of the longest name there can be is swapped, twice within a second', async () => {
  const { server, agent } = bench()
  const { filename, before } = await createAndBackUp(bench(), dependentViews, 'superuser')
  const database = `${newName('long')} ${'x'.repeat(63)}`.slice(0, 63)
  dropAfterTest(server, database)
  await createEmptyDatabase(server, {}, database)
  for (const setup of ['superuser', 'owner+creator'] as const) {
    succeeded(await agent.restore({ server, database, setup, parameters: { mode: 'swap' } }, filename))
    expect(differences(before, await digestOf(server, database))).toEqual([])
  }
})
