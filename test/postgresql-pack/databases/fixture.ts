import { type Login, type PostgresServer, superuser } from '../servers.ts'

/** Who owns the databases of the fixtures: an application's ordinary role, as a service broker creates it. */
export const owner: Login = { username: 'app', password: 'app-secret-1' }

/** Roles that objects of a fixture belong to or are granted to; each logs in with a password made of its name. */
export const loginOf = (role: string): Login => ({ username: role, password: `${role}-secret-1` })

/** A database to back up and restore. */
export interface DatabaseFixture {
  name: string
  /**
   * What a restore needs: `owner`, since nothing in it is beyond its owner; `creator`, a role that may create databases and
   * roles, since some of it belongs to other roles; or `superuser`, since some of it only a superuser can create.
   */
  needs: 'owner' | 'creator' | 'superuser'
  /** Whom the database belongs to, if not to the application's role. */
  ownedBy?: 'superuser'
  /** Roles that must exist on a server before it can have this database, besides the owner. */
  roles?: readonly string[]
  /** Those of the roles that the owner is a member of, as objects of its application belong to them. */
  memberOf?: readonly string[]
  /** Extensions that the server must offer; without them the test is skipped. */
  extensions?: readonly string[]
  /** Options of `CREATE DATABASE`. */
  options?: string
  /** SQL and who runs it, in order; roles log in. */
  steps: readonly (readonly [who: 'owner' | 'superuser' | (string & {}), sql: string])[]
  /** Changes that were made after the backup, as the owner. */
  migration?: string
}

/** What `migration` is where a fixture has none of its own: objects and rows that the backup does not know. */
const anyMigration = `CREATE SCHEMA added_later; CREATE TABLE added_later.added (id int PRIMARY KEY);
  CREATE FUNCTION added_later.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE VIEW added_later.v AS SELECT * FROM added_later.added;
  SELECT lo_from_bytea(0, 'added later')`

export const quoteIdentifier = (name: string) => `"${name.replaceAll('"', '""')}"`
export const quoteLiteral = (value: string) => `'${value.replaceAll("'", "''")}'`

/** Creates the roles that are missing on a server, so that fixtures can share them. */
export async function createRoles(server: PostgresServer, logins: readonly Login[]): Promise<void> {
  // The account that created a role may grant it since PostgreSQL 16; before, any account that may create roles.
  const granted = (role: string) => (server.major >= 16 ? `GRANT ${role} TO creator WITH ADMIN OPTION;` : '')
  const statements = logins.map(
    ({ username, password }) =>
      `DO $$ BEGIN IF to_regrole(${quoteLiteral(quoteIdentifier(username))}) IS NULL THEN
        CREATE ROLE ${quoteIdentifier(username)} LOGIN PASSWORD ${quoteLiteral(password)}; ${granted(quoteIdentifier(username))} END IF; END $$`,
  )
  await server.query('postgres', statements)
}

/** Creates the roles of a fixture on a server. */
export async function createRolesOf(
  server: PostgresServer,
  fixture: Pick<DatabaseFixture, 'roles' | 'memberOf'>,
): Promise<void> {
  await createRoles(server, [owner, ...(fixture.roles ?? []).map(loginOf)])
  const grants = (fixture.memberOf ?? []).map((role) => `GRANT ${quoteIdentifier(role)} TO ${owner.username}`)
  if (grants.length > 0) await server.query('postgres', grants)
}

/** Creates an empty database, as a service broker would: it belongs to the application's role. */
export async function createEmptyDatabase(
  server: PostgresServer,
  fixture: Pick<DatabaseFixture, 'options' | 'roles' | 'memberOf' | 'ownedBy'>,
  name: string,
): Promise<void> {
  await createRolesOf(server, fixture)
  const databaseOwner = fixture.ownedBy === 'superuser' ? superuser : owner
  await server.query('postgres', [
    `CREATE DATABASE ${quoteIdentifier(name)} OWNER ${databaseOwner.username} TEMPLATE template0 ${fixture.options ?? ''}`,
  ])
}

/** Creates the database of a fixture. */
export async function createDatabase(server: PostgresServer, fixture: DatabaseFixture, name: string): Promise<void> {
  await createEmptyDatabase(server, fixture, name)
  for (const [who, sql] of fixture.steps) {
    // As in a SQL client of an application: statements name the database that they are run in by a variable.
    await server.sql(name, `\\set database ${quoteLiteral(name).replaceAll('\\', '\\\\')}\n${sql}`, loginFor(who))
  }
}

/** Changes a database as an application's next release would, and some of its rows. */
export async function migrate(server: PostgresServer, fixture: DatabaseFixture, name: string): Promise<void> {
  await server.sql(name, fixture.migration ?? anyMigration, fixture.ownedBy === 'superuser' ? superuser : owner)
}

function loginFor(who: string): Login | undefined {
  if (who === 'superuser') return undefined
  return who === 'owner' ? owner : loginOf(who)
}

/** Drops a database if it is there, with the subscriptions in it, which would keep it. */
export async function dropDatabase(server: PostgresServer, name: string): Promise<void> {
  await server.withClient('postgres', async (client) => {
    const { rows } = await client.query<{ subname: string }>(
      'SELECT s.subname FROM pg_subscription AS s JOIN pg_database AS d ON d.oid = s.subdbid WHERE d.datname = $1',
      [name],
    )
    for (const { subname } of rows) await server.sql(name, `DROP SUBSCRIPTION ${quoteIdentifier(subname)}`)
    await client.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE)`)
  })
}
