import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import type { PoolConfig } from 'pg'
import type { Logger } from 'pino'
import { EmbeddedPostgres } from '../database/embedded-postgres.ts'
import { takeExclusiveLock } from '../database/exclusive-lock.ts'
import { type Database, openDatabase } from '../database/open-database.ts'
import { checkSecretKey } from '../secrets/key-check.ts'
import { ensureSecretKey, readSecretKeys } from '../secrets/key-file.ts'
import { Sealer } from '../secrets/sealing.ts'
import { SettingError } from '../settings/setting-error.ts'
import type { ManagerSettings } from '../settings/settings.ts'
import { makeFolder } from '../shared/make-folder.ts'

/** What a manager keeps, opened. */
export interface OpenData {
  connection: PoolConfig
  database: Database
  sealer: Sealer
  /** Set if the sealing key was made now: the file that keeps it. */
  newKeyPath: string | undefined
  /** Tells the embedded server to end, without waiting; does nothing where there is none of ours. */
  endDatabase: () => Promise<void>
}

/** Who opens it: a manager, the only one on embedded data; or a command, which may come while one runs. */
export type Opener = { as: 'manager'; onLost: (error: Error) => void } | { as: 'command' }

/**
 * Opens database and keys, both made on first use.
 *
 * @param stops - Gets what is to be undone at the end, the last first; also when this rejects.
 * @throws {SettingError} If a setting cannot be used.
 */
export async function openData(
  settings: ManagerSettings,
  opener: Opener,
  log: Logger,
  stops: (() => Promise<void>)[],
): Promise<OpenData> {
  await makeDataFolder(settings.dataDirectory)
  const newKeyPath = await ensureSecretKey(settings)
  const sealer = new Sealer(() => readSecretKeys(settings))
  const { connection, endDatabase } = await connect(settings, opener, log, stops)
  const database = await openDatabase(connection, log)
  stops.push(() => database.destroy())
  await checkSecretKey({ database, sealer })
  return { connection, database, sealer, newKeyPath, endDatabase }
}

async function makeDataFolder(folder: string): Promise<void> {
  await makeFolder(folder, 0o711).catch((cause: NodeJS.ErrnoException) => {
    throw new SettingError(`DATA_DIR (${folder}) cannot be made: ${cause.code}.`, { cause })
  })
  await access(folder, constants.W_OK | constants.X_OK).catch((cause: NodeJS.ErrnoException) => {
    throw new SettingError(`DATA_DIR (${folder}) cannot be written: ${cause.code}.`, { cause })
  })
}

/** The database's address: the one that was set, else the embedded one, started unless it runs. */
async function connect(
  settings: ManagerSettings,
  opener: Opener,
  log: Logger,
  stops: (() => Promise<void>)[],
): Promise<Pick<OpenData, 'connection' | 'endDatabase'>> {
  if (settings.databaseUrl !== undefined) {
    return { connection: { connectionString: settings.databaseUrl }, endDatabase: async () => undefined }
  }
  const postgres = await EmbeddedPostgres.start(join(settings.dataDirectory, 'postgres'), log)
  let isEnding = false
  const lock = await takeExclusiveLock(postgres.connection, (cause) => {
    if (isEnding) return
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
    throw new SettingError(
      `DATA_DIR (${settings.dataDirectory}) is in use by another manager: stop it first, or give this one a folder of its own.`,
    )
  }
  const endDatabase = async () => {
    isEnding = true
    // A command that finds a manager running leaves the server to it.
    if (lock !== undefined) await postgres.askToStop()
  }
  return { connection: postgres.connection, endDatabase }
}
