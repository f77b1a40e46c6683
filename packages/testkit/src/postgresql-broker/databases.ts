import { randomBytes } from 'node:crypto'
import { Client, escapeIdentifier, escapeLiteral } from 'pg'

/** A PostgreSQL server, with an account that may create databases and roles. */
export interface ServerAccess {
  host: string
  port: number
  username: string
  password: string
}

/** An account of a database. */
export interface DatabaseAccount {
  username: string
  password: string
}

const STATEMENT_TIMEOUT_MS = 60_000

/** Databases and roles on a PostgreSQL server, of names with a prefix: what the broker sells. */
export class BrokerDatabases {
  readonly server: ServerAccess
  readonly #prefix: string

  constructor(server: ServerAccess, prefix: string) {
    this.server = server
    this.#prefix = prefix
  }

  /** The database of an instance; its owner has the same name. */
  nameOf(instanceId: string): string {
    return `${this.#prefix}${instanceId.replaceAll('-', '').toLowerCase().slice(0, 32)}`
  }

  /** The role of a binding. */
  roleOf(bindingId: string): string {
    return `${this.#prefix}b_${bindingId.replaceAll('-', '').toLowerCase().slice(0, 32)}`
  }

  /** Creates the database of an instance, and the role that owns it. */
  async createDatabase(instanceId: string): Promise<DatabaseAccount> {
    const [name, password] = [this.nameOf(instanceId), newPassword()]
    const quoted = escapeIdentifier(name)
    await this.#run('postgres', [
      `create role ${quoted} login password ${escapeLiteral(password)}`,
      `create database ${quoted} owner ${quoted} template template0`,
      `revoke all on database ${quoted} from public`,
    ])
    return { username: name, password }
  }

  /** Drops what there is of an instance. */
  async dropDatabase(instanceId: string): Promise<void> {
    const quoted = escapeIdentifier(this.nameOf(instanceId))
    await this.#run('postgres', [`drop database if exists ${quoted} with (force)`, `drop role if exists ${quoted}`])
  }

  /** Creates a role that may do in the database of an instance what its owner may, and owns nothing itself. */
  async createRole(instanceId: string, bindingId: string): Promise<DatabaseAccount> {
    const [role, password] = [this.roleOf(bindingId), newPassword()]
    const [quoted, owner] = [escapeIdentifier(role), escapeIdentifier(this.nameOf(instanceId))]
    await this.#run('postgres', [
      `create role ${quoted} login password ${escapeLiteral(password)} in role ${owner}`,
      `alter role ${quoted} set role to ${escapeLiteral(this.nameOf(instanceId))}`,
    ])
    return { username: role, password }
  }

  /** Drops what there is of a binding. */
  async dropRole(bindingId: string): Promise<void> {
    await this.#run('postgres', [`drop role if exists ${escapeIdentifier(this.roleOf(bindingId))}`])
  }

  /** The databases and the roles that exist with the prefix. */
  async list(): Promise<{ databases: string[]; roles: string[] }> {
    const like = `${this.#prefix.replace(/[\\%_]/g, '\\$&')}%`
    return this.#connected('postgres', async (client) => {
      const databases = await client.query<{ name: string }>(
        'select datname as name from pg_database where datname like $1',
        [like],
      )
      const roles = await client.query<{ name: string }>('select rolname as name from pg_roles where rolname like $1', [
        like,
      ])
      return { databases: databases.rows.map(({ name }) => name), roles: roles.rows.map(({ name }) => name) }
    })
  }

  /** Drops everything that exists with the prefix. */
  async dropAll(): Promise<void> {
    const { databases, roles } = await this.list()
    await this.#run('postgres', [
      ...databases.map((name) => `drop database if exists ${escapeIdentifier(name)} with (force)`),
      ...roles.map((name) => `drop role if exists ${escapeIdentifier(name)}`),
    ])
  }

  async #run(database: string, statements: readonly string[]): Promise<void> {
    await this.#connected(database, async (client) => {
      for (const statement of statements) await client.query(statement)
    })
  }

  async #connected<T>(database: string, act: (client: Client) => Promise<T>): Promise<T> {
    const { host, port, username: user, password } = this.server
    const client = new Client({ host, port, user, password, database, statement_timeout: STATEMENT_TIMEOUT_MS })
    await client.connect()
    try {
      return await act(client)
    } finally {
      await client.end()
    }
  }
}

const newPassword = () => randomBytes(18).toString('base64url')
