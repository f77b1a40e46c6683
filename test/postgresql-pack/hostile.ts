import { randomBytes } from 'node:crypto'
import { access, rm } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import {
  createEmptyDatabase,
  createRoles,
  type DatabaseFixture,
  dropDatabase,
  loginOf,
  owner,
} from './databases/fixture.ts'
import { type PackAgent, type Setup, succeeded, useAgent, useServer } from './harness.ts'
import { attacks, type Trap } from './hostile-sql.ts'
import { fullOr, isFullMatrix } from './matrix.ts'
import { createAndBackUp, dropAfterTest, type Mode, newName } from './round-trip.ts'
import type { PostgresServer } from './servers.ts'

/** The setups in which a session exists that has more rights than the owner of the database. */
export const privilegedSetups = ['owner+superuser', 'owner+creator', 'superuser'] as const satisfies readonly Setup[]

/** Another customer of the same server. */
export async function createTenant(server: PostgresServer): Promise<void> {
  await createRoles(server, [owner, loginOf('tenant')])
  await server.sql(
    'postgres',
    `SELECT 'CREATE DATABASE tenant OWNER tenant' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'tenant') \\gexec`,
  )
}

/** Takes back what an attack that succeeded did to the server, so that the next test begins as if there had been none. */
export async function disarm(server: PostgresServer): Promise<void> {
  const statements = [
    'ALTER ROLE app NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS',
    'ALTER ROLE app RESET ALL',
    'ALTER ROLE superuser RESET ALL',
    'REVOKE superuser, creator, tenant, pg_execute_server_program, pg_write_server_files, pg_read_server_files FROM app',
    'DROP ROLE IF EXISTS intruder',
    `ALTER ROLE tenant PASSWORD '${loginOf('tenant').password}'`,
    'ALTER DATABASE postgres OWNER TO superuser',
    'REVOKE ALL ON DATABASE tenant FROM app',
    'ALTER SYSTEM RESET ALL',
  ]
  await server.sql('postgres', `SET client_min_messages = error;\n${statements.join(';\n')}`)
}

/** A trap that no other test uses; its file goes with the test. The name is short, since it is part of identifiers. */
export function newTrap(): Trap {
  const file = `/tmp/trap-${randomBytes(4).toString('hex')}`
  onTestFinished(() => rm(file, { force: true }))
  return { file }
}

/** Everything on a server that a tenant must not be able to change: roles, memberships, settings, other databases, files. */
export async function protectedState(server: PostgresServer, { file }: Trap): Promise<Record<string, unknown>> {
  const queries = {
    roles: 'SELECT a.*, NULL AS oid FROM pg_authid AS a ORDER BY rolname',
    memberships:
      'SELECT m.roleid::regrole::text, m.member::regrole::text, m.grantor::regrole::text, m.admin_option FROM pg_auth_members AS m ORDER BY 1, 2, 3',
    settings: 'SELECT setrole::regrole::text, setconfig FROM pg_db_role_setting WHERE setdatabase = 0 ORDER BY 1',
    databases: `SELECT datname, datdba::regrole::text, datacl::text FROM pg_database WHERE datname IN ('postgres', 'template0', 'template1', 'tenant') ORDER BY 1`,
    configuration: `SELECT pg_read_file('postgresql.auto.conf')`,
  }
  return server.withClient('postgres', async (client) => {
    const state: Record<string, unknown> = {}
    for (const [name, sql] of Object.entries(queries)) state[name] = (await client.query(sql)).rows
    state.fileOfTheShellCommand = await access(file).then(
      () => 'is there',
      () => 'is absent',
    )
    return state
  })
}

/** Rows of the attack's log that say that it had the rights, or could take the rights, of an account other than the owner. */
function elevatedRuns(server: PostgresServer, database: string): Promise<string> {
  return server.sql(
    database,
    `SET search_path = pg_catalog; SELECT * FROM public.attack_log WHERE is_superuser <> 'off' OR session_role IN ('superuser', 'creator', 'tenant')
      OR current_role_ IN ('superuser', 'creator', 'tenant')`,
  )
}

/** Registers a test for each attack and privileged setup: the restore succeeds, and the attack runs with no more than the owner's rights. */
export function testAttacks(mode: Mode): void {
  const servers = useServer()
  const agents = useAgent()
  const cases = fullOr(
    Object.entries(attacks).flatMap(([what, sql]) => privilegedSetups.map((setup) => ({ what, sql, setup }))),
    // All accounts meet the attacking objects, and an account that could do everything the others, which the other two share.
    ({ setup }, index) => setup === 'superuser' || index < 3 || index === 4 || index === 6,
  )
  for (const { what, sql, setup } of cases)
    test(`an attack by ${what} gains nothing: mode ${mode}, as ${setup}`, async () => {
      const bench = { server: servers.server, agent: agents.agent }
      const trap = newTrap()
      await createTenant(bench.server)
      onTestFinished(() => disarm(bench.server))
      const fixture: DatabaseFixture = {
        name: 'hostile',
        needs: 'owner',
        steps: [
          ['owner', sql(trap)],
          // What it did while the owner created it does not count.
          ['owner', 'SET search_path = pg_catalog; TRUNCATE public.attack_log'],
        ],
      }
      const attacked = await createAndBackUp(bench, fixture, setup)
      const before = await protectedState(bench.server, trap)
      await restoreSomewhere(bench, attacked, { mode, setup })
      expect(await protectedState(bench.server, trap)).toEqual(before)
    })
}

/** Restores into an empty database, with the full matrix also over the live one, and fails where the attack ran with more than the owner's rights. */
async function restoreSomewhere(
  { server, agent }: { server: PostgresServer; agent: PackAgent },
  { database, filename }: { database: string; filename: string },
  { mode, setup }: { mode: Mode; setup: Setup },
): Promise<void> {
  const empty = newName('empty')
  dropAfterTest(server, empty)
  await createEmptyDatabase(server, {}, empty)
  for (const target of isFullMatrix ? [database, empty] : [empty]) {
    succeeded(await agent.restore({ server, database: target, setup, parameters: { mode } }, filename))
    expect(await elevatedRuns(server, target)).toBe('')
  }
  await dropDatabase(server, empty)
}
