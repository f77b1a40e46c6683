import { expect, test } from 'vitest'
import { differences, digestOf } from './catalogue-digest.ts'
import { createEmptyDatabase, type DatabaseFixture, quoteLiteral } from './databases/fixture.ts'
import { grants, severalOwners } from './databases/privileges.ts'
import { type Setup, succeeded, useAgent, useServer } from './harness.ts'
import { rotate } from './matrix.ts'
import { createAndBackUp, dropAfterTest, type Mode, newName } from './round-trip.ts'
import type { PostgresServer } from './servers.ts'

const origin = useServer()
const elsewhere = useServer()
const agents = useAgent()

/** Backs up on one server, and prepares an empty database on another one, which has none of the fixture's roles. */
async function prepare(fixture: DatabaseFixture, setup: Setup) {
  const { agent } = agents
  const backedUp = await createAndBackUp({ server: origin.server, agent }, fixture, setup)
  const { server } = elsewhere
  const roles = fixture.roles ?? []
  await dropRoles(server, roles)
  const target = newName('elsewhere')
  dropAfterTest(server, target)
  await createEmptyDatabase(server, {}, target)
  return { ...backedUp, agent, server, target, roles }
}

async function dropRoles(server: PostgresServer, roles: readonly string[]): Promise<void> {
  for (const role of roles)
    await server.sql(
      'postgres',
      `SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE rolname = ${quoteLiteral(role)} \\gexec`,
    )
}

const ways: readonly { mode: Mode; setup: Setup }[] = [
  { mode: 'swap', setup: 'owner+superuser' },
  { mode: 'swap', setup: 'owner+creator' },
  { mode: 'in-place', setup: 'superuser' },
]
/** The index makes that every way meets every database in one of the tests. */
const casesOf = (index: number) =>
  [grants, severalOwners].flatMap((fixture, each) =>
    rotate(ways, index + each).map((way) => ({ fixture, name: fixture.name, ...way })),
  )

test.each(casesOf(0))(
  '$name on a server without its roles fails, names all of them and changes nothing: mode $mode, as $setup',
  async ({ fixture, mode, setup }) => {
    const { agent, server, target, roles, filename } = await prepare(fixture, setup)
    const before = await digestOf(server, target)
    const defaultAndExplicit: Record<string, string>[] = [{ mode }, { mode, missing_roles: 'fail' }]
    for (const parameters of defaultAndExplicit) {
      const job = await agent.restore({ server, database: target, setup, parameters }, filename)
      expect(job.status).toBe('FAILED')
      for (const role of roles) expect(job.error_message).toContain(role)
    }
    expect(differences(before, await digestOf(server, target))).toEqual([])
  },
)

test.each(casesOf(1))(
  '$name on a server without its roles comes back without what is theirs, if asked to: mode $mode, as $setup',
  async ({ fixture, mode, setup }) => {
    const { agent, server, target, roles, filename, before } = await prepare(fixture, setup)
    succeeded(
      await agent.restore({ server, database: target, setup, parameters: { mode, missing_roles: 'skip' } }, filename),
    )
    const found = await digestOf(server, target)
    expect(JSON.stringify(found)).not.toMatch(/unknown \(OID/)
    // Nothing is missing but policies with their comments, privileges and owners of the roles that are not there.
    const lost = differences(before, found).filter(
      (line) =>
        !line.startsWith('- comment on policy ') &&
        !roles.some((role) => line.includes(role) || line.includes(role.replaceAll('"', '""'))),
    )
    expect(lost).toEqual([])
    expect(
      Object.keys(found)
        .filter((key) => key.startsWith('rows of'))
        .map((key) => found[key]),
    ).toEqual(
      Object.keys(before)
        .filter((key) => key.startsWith('rows of'))
        .map((key) => before[key]),
    )
  },
)

test.each(casesOf(2))(
  '$name on a server without its roles comes back with roles that cannot log in, if asked to: mode $mode, as $setup',
  async ({ fixture, mode, setup }) => {
    const { agent, server, target, roles, filename, before } = await prepare(fixture, setup)
    succeeded(
      await agent.restore({ server, database: target, setup, parameters: { mode, missing_roles: 'create' } }, filename),
    )
    expect(differences(before, await digestOf(server, target))).toEqual([])
    const { rows } = await server.withClient('postgres', (client) =>
      client.query(
        'SELECT rolname FROM pg_roles WHERE rolname = ANY ($1) AND NOT (rolcanlogin OR rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)',
        [roles],
      ),
    )
    expect(rows).toHaveLength(roles.length)
  },
)
