import { SettingsError, VERSION } from '@osb-backup/node'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { DEFAULT_MIGRATION_TABLE, Migrator } from 'kysely/migration'
import type { Logger } from 'pino'
import { ConnectionPool, type OnDatabaseCall } from './connection-pool.ts'
import type { Connection } from './database-client.ts'
import { DatabaseUnavailable } from './database-unavailable.ts'
import { migrationProvider } from './migrations/index.ts'
import type { Tables } from './schema.ts'
import { migrationSessionConfig, sessionConfig } from './session.ts'

/** The database, or a transaction of it. */
export type Database = Kysely<Tables>

const MIN_SERVER_VERSION = 140_000
const MAX_CONNECTIONS = 20
/** The name under which `settings` records the version that last changed the tables. */
const UPGRADED_BY = 'upgraded_by_version'

/**
 * Opens a pool and brings the tables up to date. Several managers may do so at once.
 *
 * @param onCall - Receives how long each call took.
 * @throws {SettingsError} If the server cannot be reached or is older than 14, or a newer version has changed the tables.
 */
export async function openDatabase(connection: Connection, log: Logger, onCall?: OnDatabaseCall): Promise<Database> {
  const database = connect({ ...sessionConfig, ...connection, max: MAX_CONNECTIONS }, log, onCall)
  try {
    await checkServer(database)
    if (!(await isSchemaCurrent({ database }))) await migrate(connection, log)
    return database
  } catch (error) {
    await database.destroy()
    throw error
  }
}

function connect(config: Connection, log: Logger, onCall?: OnDatabaseCall): Database {
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool: new ConnectionPool(config, log, onCall) }) })
}

async function checkServer(database: Database): Promise<void> {
  const { rows } = await sql<{ version: string }>`select current_setting('server_version_num') as version`
    .execute(database)
    .catch((error: Error & { code?: string }) => {
      const cause = error instanceof DatabaseUnavailable && error.cause instanceof Error ? error.cause : error
      const reason = cause.message || ('code' in cause && cause.code)
      throw new SettingsError(`DATABASE_URL names a PostgreSQL that cannot be used: ${reason}.`, { cause })
    })
  const version = Number(rows[0]?.version)
  if (version < MIN_SERVER_VERSION) {
    throw new SettingsError(
      `DATABASE_URL names a PostgreSQL ${Math.trunc(version / 10_000)}; version 14 or newer is needed.`,
    )
  }
}

/** Changes the tables over a connection of its own, whose statements may take long. */
async function migrate(connection: Connection, log: Logger): Promise<void> {
  const database = connect({ ...migrationSessionConfig, ...connection, max: 2 }, log)
  try {
    const { error } = await new Migrator({ db: database, provider: migrationProvider }).migrateToLatest()
    if (error !== undefined) throw error
    const row = { name: UPGRADED_BY, value: VERSION }
    await database
      .insertInto('settings')
      .values(row)
      .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
      .execute()
  } finally {
    await database.destroy()
  }
}

/**
 * Whether the tables are those of this version. False: they are of an older one, or there are none yet.
 *
 * @throws {SettingsError} If a newer version has changed them.
 */
export async function isSchemaCurrent({ database }: { database: Database }): Promise<boolean> {
  const { rows } = await sql<{ exists: boolean }>`
    select to_regclass(${DEFAULT_MIGRATION_TABLE}) is not null as exists`.execute(database)
  if (rows[0]?.exists !== true) return false
  const applied = await sql<{ name: string }>`select name from ${sql.table(DEFAULT_MIGRATION_TABLE)}`.execute(database)
  const ours = new Set(Object.keys(await migrationProvider.getMigrations()))
  if (applied.rows.every(({ name }) => ours.has(name))) return applied.rows.length === ours.size
  const setting = await database
    .selectFrom('settings')
    .select('value')
    .where('name', '=', UPGRADED_BY)
    .executeTakeFirst()
  throw new SettingsError(
    `The database was upgraded by version ${setting?.value ?? 'unknown'} of the manager, and this is version ${VERSION}: start that version or a newer one, or restore the database as it was before the upgrade.`,
  )
}
