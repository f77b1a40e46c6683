import { expect, test } from 'vitest'
import { type Setup, succeeded, useAgent, useServer } from './harness.ts'
import type { PostgresServer } from './servers.ts'

const origin = useServer()
const elsewhere = useServer()
const agents = useAgent()

const rolesOf = (server: PostgresServer, names: readonly string[]) =>
  server.sql(
    'postgres',
    `SELECT rolname, rolcanlogin, rolcreatedb, rolconnlimit, rolpassword, (SELECT setconfig FROM pg_db_role_setting WHERE setrole = a.oid AND setdatabase = 0) FROM pg_authid AS a WHERE rolname IN (${names.map((name) => `'${name}'`).join(', ')}) ORDER BY 1`,
  )
const membershipsOf = (server: PostgresServer) =>
  server.sql(
    'postgres',
    `SELECT roleid::regrole, member::regrole, admin_option FROM pg_auth_members WHERE member::regrole::text ~ 'moved' ORDER BY 1, 2`,
  )
const itemOf = (server: PostgresServer, setup: Setup) => ({ server, database: 'globals', setup })
const itemsOf = async (server: PostgresServer, setup: Setup) => {
  const { status, json, text } = await agents.agent.items({ server, setup })
  return status === 200 ? json.items : text
}

test('items are the databases that concern the accounts, and the roles for a superuser; nothing that a restore left', async () => {
  const { server } = origin
  const statements = [
    "CREATE ROLE stranger LOGIN PASSWORD 'x'",
    'CREATE DATABASE mine OWNER app',
    `CREATE DATABASE "it's = ""odd""" OWNER app`,
    'CREATE DATABASE foreign_one OWNER stranger',
    'CREATE DATABASE shared OWNER stranger',
    'GRANT CONNECT ON DATABASE shared TO app',
    'CREATE DATABASE mine_before_20260101_000000000 OWNER app',
    `COMMENT ON DATABASE mine_before_20260101_000000000 IS 'osb-backup: {"previous": "mine"}'`,
    'CREATE DATABASE kept_before_2026 OWNER app',
    'CREATE DATABASE closed OWNER app ALLOW_CONNECTIONS false',
  ]
  await server.sql('postgres', statements.join(';\n'))
  const own = [`it's = "odd"`, 'kept_before_2026', 'mine', 'shared']
  expect(await itemsOf(server, 'owner')).toEqual(own)
  const all = [...own, 'foreign_one', 'globals'].toSorted()
  expect(await itemsOf(server, 'owner+superuser')).toEqual(all)
  await server.sql('postgres', 'CREATE TABLE t (id int)')
  expect(await itemsOf(server, 'superuser')).toEqual([...all, 'postgres'].toSorted())
  await server.sql('postgres', 'DROP TABLE t; CREATE DATABASE "a\nb" OWNER app')
  expect(await itemsOf(server, 'owner')).toMatch(/control character/)
  for (const name of [...own, 'foreign_one', 'mine_before_20260101_000000000', 'closed', 'a\nb']) {
    await server.sql('postgres', `DROP DATABASE "${name.replaceAll('"', '""')}"`)
  }
})

test('the item “globals” brings missing roles with their passwords and memberships to another server, and leaves the others alone', async () => {
  const { agent } = agents
  await origin.server.sql(
    'postgres',
    `CREATE ROLE "moved group" NOLOGIN; CREATE ROLE moved LOGIN CREATEDB CONNECTION LIMIT 7 PASSWORD 'moved-secret-1'; GRANT "moved group" TO moved WITH ADMIN OPTION;
    ALTER ROLE moved SET search_path = a, "b c"; COMMENT ON ROLE moved IS 'it''s moved'; ALTER ROLE creator NOCREATEDB PASSWORD 'another-secret' CONNECTION LIMIT 1;
    ALTER ROLE superuser CONNECTION LIMIT 100`,
  )
  const filename = succeeded(await agent.backup(itemOf(origin.server, 'superuser')))
  const existing = await rolesOf(elsewhere.server, ['app', 'creator', 'superuser'])
  const job = await agent.restore(itemOf(elsewhere.server, 'superuser'), filename)
  succeeded(job)
  expect(await rolesOf(elsewhere.server, ['app', 'creator', 'superuser'])).toBe(existing)
  const names = ['moved', 'moved group']
  expect(await rolesOf(elsewhere.server, names)).toBe(await rolesOf(origin.server, names))
  expect(await membershipsOf(elsewhere.server)).toBe(await membershipsOf(origin.server))
  const login = { username: 'moved', password: 'moved-secret-1' }
  expect(await elsewhere.server.sql('postgres', 'SELECT current_user', login)).toBe('moved')
  // A second time, all of it is there already.
  succeeded(await agent.restore(itemOf(elsewhere.server, 'superuser'), filename))
  expect(await rolesOf(elsewhere.server, names)).toBe(await rolesOf(origin.server, names))
})

test.each(['owner', 'owner+creator'] as const)(
  'the item “globals” is neither dumped nor restored without a superuser: as %s',
  async (setup) => {
    const { agent } = agents
    const backup = await agent.backup(itemOf(elsewhere.server, setup))
    expect(backup).toMatchObject({ status: 'FAILED', failed_stage: 'pre-backup-check' })
    expect(backup.error_message).toMatch(/superuser/)
    await origin.server.sql('postgres', `DROP ROLE IF EXISTS not_to_be_moved; CREATE ROLE not_to_be_moved`)
    const filename = succeeded(await agent.backup(itemOf(origin.server, 'superuser')))
    const restore = await agent.restore(itemOf(elsewhere.server, setup), filename)
    expect(restore).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
    expect(restore.error_message).toMatch(/only a superuser/)
    expect(await rolesOf(elsewhere.server, ['not_to_be_moved'])).toBe('')
  },
)

test('a dump of roles is not restored into a database, nor a database as roles', async () => {
  const { agent } = agents
  const filename = succeeded(await agent.backup(itemOf(origin.server, 'superuser')))
  const job = await agent.restore({ server: elsewhere.server, database: 'postgres', setup: 'superuser' }, filename)
  expect(job.status).toBe('FAILED')
  expect(job.error_message).toContain('restore it under the name "globals"')
})

test('a database that is called “globals” is a database', async () => {
  const { agent } = agents
  const { server } = origin
  await server.sql('postgres', 'CREATE DATABASE globals OWNER app')
  await server.sql('globals', 'CREATE TABLE t (id int); ALTER TABLE t OWNER TO app; INSERT INTO t VALUES (1)')
  const filename = succeeded(await agent.backup(itemOf(server, 'owner')))
  await server.sql('globals', 'DELETE FROM t')
  succeeded(await agent.restore(itemOf(server, 'owner'), filename))
  expect(await server.sql('globals', 'SELECT count(*) FROM t')).toBe('1')
  await server.sql('postgres', 'DROP DATABASE globals WITH (FORCE)')
})
