import type { AgentJob } from '@osb-backup/protocol'
import { Client } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { differences, digestOf } from './catalogue-digest.ts'
import { owner } from './databases/fixture.ts'
import { dependentViews } from './databases/tables.ts'
import { succeeded, useAgent, useServer } from './harness.ts'
import { createAndBackUp } from './round-trip.ts'
import type { PostgresServer } from './servers.ts'

const servers = useServer()
const agents = useAgent()
const bench = () => ({ server: servers.server, agent: agents.agent })

/** A session of an application that began a transaction, ran a statement and went to sleep. */
async function idleInTransaction(
  server: PostgresServer,
  database: string,
  sql: string,
): Promise<Client & { pid: number }> {
  const client = new Client({ ...server.connection(database, owner), application_name: 'sleepy' })
  // It may be ended by a restore.
  const errors: Error[] = []
  client.on('error', (error) => errors.push(error))
  await client.connect()
  onTestFinished(() => client.end().catch(() => undefined))
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  await client.query('BEGIN')
  await client.query(sql)
  return Object.assign(client, { pid: rows[0]?.pid ?? 0 })
}

function expectBlockerNamed(job: AgentJob, pid: number): void {
  expect(job.status).toBe('FAILED')
  expect(job.error_message).toMatch(new RegExp(`\\b${pid}\\b`))
  expect(job.error_message).toContain('app')
  expect(job.error_message).toMatch(/idle in transaction/)
  // For how long it has been doing that.
  expect(job.error_message).toMatch(/\d+ ?(s|seconds?|ms|min|h)\b|\d\d:\d\d/)
}

test('a backup that waits for a lock fails within its lock timeout, and names who holds the lock', async () => {
  const { server, agent } = bench()
  const { database } = await createAndBackUp(bench(), dependentViews, 'owner')
  const blocker = await idleInTransaction(server, database, 'LOCK TABLE customer IN ACCESS EXCLUSIVE MODE')
  const job = await agent.backup({ server, database, setup: 'owner', parameters: { lock_timeout_seconds: 2 } })
  expectBlockerNamed(job, blocker.pid)
  await blocker.query('ROLLBACK')
  succeeded(await agent.backup({ server, database, setup: 'owner', parameters: { lock_timeout_seconds: 2 } }))
})

test('an in-place restore that waits for a lock fails within its lock timeout, names who holds it, and changes nothing', async () => {
  const { server, agent } = bench()
  const { database, filename, before } = await createAndBackUp(bench(), dependentViews, 'owner')
  const parameters = { mode: 'in-place', lock_timeout_seconds: 2 }
  const blocker = await idleInTransaction(server, database, 'SELECT count(*) FROM customer')
  const job = await agent.restore({ server, database, setup: 'owner', parameters }, filename)
  expectBlockerNamed(job, blocker.pid)
  // The session still exists: it was not ended without a request.
  await blocker.query('ROLLBACK')
  expect(differences(before, await digestOf(server, database))).toEqual([])
  succeeded(await agent.restore({ server, database, setup: 'owner', parameters }, filename))
})

test('an in-place restore ends other sessions where it is asked to', async () => {
  const { server, agent } = bench()
  const { database, filename, before } = await createAndBackUp(bench(), dependentViews, 'owner')
  const blocker = await idleInTransaction(server, database, 'INSERT INTO measure VALUES (77)')
  const parameters = { mode: 'in-place', lock_timeout_seconds: 5, terminate_sessions: true }
  succeeded(await agent.restore({ server, database, setup: 'owner', parameters }, filename))
  await expect(blocker.query('COMMIT')).rejects.toThrow()
  expect(differences(before, await digestOf(server, database))).toEqual([])
})

test.each(['owner+superuser', 'owner+creator', 'superuser'] as const)(
  'a swap is not held up by a session that sleeps in a transaction, and ends it: as %s',
  async (setup) => {
    const { server, agent } = bench()
    const { database, filename, before } = await createAndBackUp(bench(), dependentViews, setup)
    const blocker = await idleInTransaction(server, database, 'LOCK TABLE customer IN ACCESS EXCLUSIVE MODE')
    succeeded(await agent.restore({ server, database, setup, parameters: { mode: 'swap' } }, filename))
    await expect(blocker.query('COMMIT')).rejects.toThrow()
    expect(differences(before, await digestOf(server, database))).toEqual([])
  },
)

test('timeouts that the owner’s role is set to do not end a backup or a restore', async () => {
  const { server, agent } = bench()
  const settings = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout']
  onTestFinished(() => server.sql('postgres', 'ALTER ROLE app RESET ALL').then(() => undefined))
  const { database, before } = await createAndBackUp(bench(), dependentViews, 'owner')
  await server.sql('postgres', settings.map((name) => `ALTER ROLE app SET ${name} = '3ms';`).join('\n'))
  await server.sql('postgres', 'ALTER ROLE app SET default_transaction_read_only = on')
  const filename = succeeded(await agent.backup({ server, database, setup: 'owner' }))
  succeeded(await agent.restore({ server, database, setup: 'owner', parameters: { mode: 'in-place' } }, filename))
  succeeded(await agent.restore({ server, database, setup: 'owner+superuser', parameters: { mode: 'swap' } }, filename))
  expect(differences(before, await digestOf(server, database))).toEqual([])
})
