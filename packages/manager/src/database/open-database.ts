import { SettingsError } from '@osb-backup/node'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import { Pool, type PoolConfig } from 'pg'
import type { Logger } from 'pino'
import { migrationProvider } from './migrations/index.ts'
import type { Tables } from './schema.ts'

/** The database, or a transaction of it. */
export type Database = Kysely<Tables>

/** How to connect to it. */
export type Connection = PoolConfig

const MIN_SERVER_VERSION = 140_000
const CONNECT_TIMEOUT_MS = 10_000

/** The session settings of every connection: an application name, and a limit for idle transactions. */
export const sessionConfig = {
  application_name: 'osb-backup-manager',
  connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  idle_in_transaction_session_timeout: 60_000,
  keepAlive: true,
  // A peer that disappears silently is noticed in minutes, not in hours.
  keepAliveInitialDelayMillis: 10_000,
} as const satisfies PoolConfig

/**
 * Opens a pool and brings the tables up to date. Several managers may do so at once.
 *
 * @throws {SettingsError} If the server cannot be reached or is older than 14.
 */
export async function openDatabase(connection: PoolConfig, log: Logger): Promise<Database> {
  const pool = new Pool({ ...sessionConfig, ...connection, max: 20 })
  // A connection that breaks while idle is replaced by the pool; without a listener it would end the process.
  pool.on('error', (error) => log.warn({ err: error }, 'a database connection broke'))
  // So would one that breaks between two statements of a transaction; the next statement fails, which is enough.
  pool.on('connect', (client) => client.on('error', (error) => log.debug({ err: error }, 'a connection in use broke')))
  const database: Database = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  try {
    await checkServer(database)
    const { error } = await new Migrator({ db: database, provider: migrationProvider }).migrateToLatest()
    if (error !== undefined) throw error
    return database
  } catch (error) {
    await database.destroy()
    throw error
  }
}

async function checkServer(database: Database): Promise<void> {
  const { rows } = await sql<{ version: string }>`select current_setting('server_version_num') as version`
    .execute(database)
    .catch((cause: Error & { code?: string }) => {
      throw new SettingsError(`DATABASE_URL names a PostgreSQL that cannot be used: ${cause.message || cause.code}.`, {
        cause,
      })
    })
  const version = Number(rows[0]?.version)
  if (version < MIN_SERVER_VERSION) {
    throw new SettingsError(
      `DATABASE_URL names a PostgreSQL ${Math.trunc(version / 10_000)}; version 14 or newer is needed.`,
    )
  }
}

/** Whether the database answers. */
export async function isReachable({ database }: { database: Database }): Promise<boolean> {
  return sql`select 1`.execute(database).then(
    () => true,
    () => false,
  )
}
