import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { createDirectory, SettingsError } from '@osb-backup/node'
import type { Logger } from 'pino'
import type { OnDatabaseCall } from '../database/connection-pool.ts'
import { parseConnectionUrl } from '../database/connection-url.ts'
import type { Connection } from '../database/database-client.ts'
import { EmbeddedPostgres } from '../database/embedded-postgres.ts'
import { ExclusiveLock } from '../database/exclusive-lock.ts'
import { type Database, openDatabase } from '../database/open-database.ts'
import { PrimaryFinder } from '../database/primary-finder.ts'
import { sessionConfig } from '../database/session.ts'
import { checkSecretKey } from '../secrets/key-check.ts'
import { ensureSecretKey, readSecretKeys } from '../secrets/key-file.ts'
import { Sealer } from '../secrets/sealing.ts'
import type { ManagerSettings } from '../settings/settings.ts'

/** The database and the keys of a manager, opened. */
export interface OpenData {
  connection: Connection
  database: Database
  sealer: Sealer
  /** Set if the sealing key was created now: the file that holds it. */
  newKeyPath: string | undefined
  /** Asks the embedded server to stop, without waiting; does nothing if this process does not own it. */
  stopDatabase: () => Promise<void>
}

/** Who opens it: a manager, the only one on embedded data; or a command, which may run beside a manager. */
export type Opener = (
  | { as: 'manager'; onLost: (error: Error) => void; onCall: OnDatabaseCall }
  | { as: 'command'; keyIsLost?: boolean }
) & {
  /** Ends the wait for a database that does not answer yet. */
  signal: AbortSignal
}

/**
 * Opens database and keys, both created on first use.
 *
 * @param stops - Receives what to undo at the end, the last first; also when this rejects.
 * @throws {SettingsError} If a setting cannot be used.
 */
export async function openData(
  settings: ManagerSettings,
  opener: Opener,
  log: Logger,
  stops: (() => Promise<void>)[],
): Promise<OpenData> {
  await createDataDirectory(settings.dataDirectory)
  const newKeyPath = await ensureSecretKey(settings)
  const sealer = new Sealer(() => readSecretKeys(settings))
  const { connection, stopDatabase } = await connect(settings, opener, log, stops)
  const database = await openDatabase(connection, log, opener.as === 'manager' ? opener.onCall : undefined)
  stops.push(() => database.destroy())
  if (opener.as === 'manager' || !opener.keyIsLost) await checkSecretKey({ database, sealer })
  return { connection, database, sealer, newKeyPath, stopDatabase }
}

async function createDataDirectory(folder: string): Promise<void> {
  await createDirectory(folder, 0o711).catch((cause: NodeJS.ErrnoException) => {
    throw new SettingsError(`DATA_DIR (${folder}) cannot be created: ${cause.code}.`, { cause })
  })
  await access(folder, constants.W_OK | constants.X_OK).catch((cause: NodeJS.ErrnoException) => {
    throw new SettingsError(`DATA_DIR (${folder}) cannot be written to: ${cause.code}.`, { cause })
  })
}

/** The connection from the settings; or that of the embedded server, which is started unless it runs. */
async function connect(
  settings: ManagerSettings,
  opener: Opener,
  log: Logger,
  stops: (() => Promise<void>)[],
): Promise<Pick<OpenData, 'connection' | 'stopDatabase'>> {
  if (settings.databaseUrl !== undefined) {
    return { connection: connectionOf(settings.databaseUrl, log), stopDatabase: async () => undefined }
  }
  const postgres = await EmbeddedPostgres.start(join(settings.dataDirectory, 'postgres'), log, opener.signal)
  const lock = await ExclusiveLock.acquire(postgres, log, (cause) => {
    const lost = new Error(`The embedded PostgreSQL was lost (${cause.message}).`, { cause })
    if (opener.as === 'manager') opener.onLost(lost)
    else log.error({ err: lost }, 'the database was lost')
  })
  if (lock !== undefined) {
    stops.push(async () => {
      await lock.release()
      await postgres.stop()
    })
  } else if (opener.as === 'manager') {
    throw new SettingsError(
      `DATA_DIR (${settings.dataDirectory}) is in use by another manager: stop it first, or give this one a folder of its own.`,
    )
  }
  const stopDatabase = async () => {
    lock?.abandon()
    // A command that runs beside a manager leaves the server to it.
    if (lock !== undefined) await postgres.requestStop()
  }
  return { connection: postgres.connection, stopDatabase }
}

function connectionOf(databaseUrl: string, log: Logger): Connection {
  const { url, servers, mustFindPrimary } = parseConnectionUrl(databaseUrl)
  const connection = { connectionString: url }
  if (!mustFindPrimary) return connection
  return { ...connection, primary: new PrimaryFinder({ ...sessionConfig, ...connection }, servers, log) }
}
