import { chmod, chown, lstat, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDirectory, SettingsError } from '@osb-backup/node'
import { Client, type ClientConfig } from 'pg'
import type { Logger } from 'pino'
import { findSoftware, type Software } from './postgres-software.ts'
import { type Account, postgresAccount, runAs } from './run-as.ts'

/** A path to a Unix socket has at most 107 bytes; PostgreSQL's own part is `/.s.PGSQL.5432`. */
const MAX_SOCKET_FOLDER_BYTES = 90
const START_TIMEOUT_MS = 90_000
const SUPERUSER = 'osb_backup'

/**
 * The real PostgreSQL, run from npm's binaries with its data in one folder, reached over a Unix socket that only its
 * owner may open. The server is a process of its own: it outlives a killed manager, and the next one finds it.
 */
export class EmbeddedPostgres {
  readonly connection: Required<Pick<ClientConfig, 'host' | 'user' | 'database'>>
  readonly #software: Software
  readonly #account: Account
  readonly #dataFolder: string
  readonly #logFile: string
  readonly #log: Logger

  private constructor(folder: string, socketFolder: string, software: Software, account: Account, log: Logger) {
    this.#software = software
    this.#account = account
    this.#dataFolder = join(folder, 'data')
    this.#logFile = join(folder, 'postgres.log')
    this.#log = log
    this.connection = { host: socketFolder, user: SUPERUSER, database: 'postgres' }
  }

  /**
   * Finds the server of this folder running, or starts it; creates the database cluster on first use.
   *
   * @param folder - Absolute; created if missing. If the manager runs as root, it is given to another account.
   */
  static async start(folder: string, log: Logger): Promise<EmbeddedPostgres> {
    const account = await postgresAccount(folder)
    await ownFolder(folder, account)
    const socketFolder = await prepareSocketFolder(folder, account)
    const software = await findSoftware(folder, account)
    const postgres = new EmbeddedPostgres(folder, socketFolder, software, account, log)
    await postgres.ensureRunning()
    return postgres
  }

  /** Starts the server unless it answers. Also recovers from a crash that left a stale pid file, or a server that is still stopping. */
  async ensureRunning(): Promise<void> {
    const endAtMs = performance.now() + START_TIMEOUT_MS
    if (await this.#answers()) {
      this.#log.info('found the embedded PostgreSQL running')
      return
    }
    await this.#initialise()
    for (;;) {
      const problem = await this.#launch()
      if (await this.#answers()) return
      if (performance.now() > endAtMs) {
        const lines = (await readFile(this.#logFile, 'utf8').catch(() => '')).trim().split('\n').slice(-5).join('\n')
        throw new Error(`The embedded PostgreSQL does not start: ${problem}\n${lines}`)
      }
      await sleep(500)
    }
  }

  /** Ends the server, its data on disk. Open connections are cut. */
  async stop(): Promise<void> {
    await runAs(this.#account, this.#software.pgCtl, ['stop', '-D', this.#dataFolder, '-m', 'fast', '-w', '-t', '60'])
  }

  /** Asks the server to stop, as `stop` does, without waiting until it has. */
  async requestStop(): Promise<void> {
    await runAs(this.#account, this.#software.pgCtl, ['stop', '-D', this.#dataFolder, '-m', 'fast', '-W'])
  }

  async #answers(): Promise<boolean> {
    const client = new Client({ ...this.connection, connectionTimeoutMillis: 5000 })
    client.on('error', (error) => this.#log.debug({ err: error }, 'probe connection broke'))
    try {
      await client.connect()
      await client.query('select 1')
      return true
    } catch {
      return false
    } finally {
      await client.end().catch((error: unknown) => this.#log.debug({ err: error }, 'probe connection did not close'))
    }
  }

  /** Creates the cluster beside its final directory and renames it, so that a kill leaves nothing incomplete. */
  async #initialise(): Promise<void> {
    if (await stat(join(this.#dataFolder, 'PG_VERSION')).catch(() => undefined)) return
    const fresh = `${this.#dataFolder}.${process.pid}.new`
    await rm(fresh, { recursive: true, force: true })
    const { output, ok } = await runAs(this.#account, this.#software.initdb, [
      ...['-D', fresh, '-U', SUPERUSER, '-E', 'UTF8', '--locale=C', '--auth=trust', '--data-checksums'],
    ])
    if (!ok) throw initialisationFailure(output)
    await rename(fresh, this.#dataFolder)
  }

  async #launch(): Promise<string> {
    const options = [
      `-c listen_addresses=''`,
      `-c unix_socket_directories='${this.connection.host}'`,
      '-c unix_socket_permissions=0700',
      '-c max_connections=100',
    ].join(' ')
    const { output } = await runAs(this.#account, this.#software.pgCtl, [
      ...['start', '-D', this.#dataFolder, '-l', this.#logFile, '-o', options, '-w', '-t', '60'],
    ])
    return output
  }
}

function initialisationFailure(output: string): Error {
  if (!output.includes('could not look up effective user ID')) {
    return new Error(`initdb of the embedded PostgreSQL failed: ${output}`)
  }
  return new SettingsError(
    `DATABASE_URL is needed, or an entry for uid ${process.getuid?.()} in /etc/passwd: the embedded PostgreSQL refuses to run under a user without a name.`,
  )
}

/** Creates a directory that no other account can enter, and gives it to the account. */
async function ownFolder(folder: string, account: Account): Promise<void> {
  await createDirectory(folder, 0o700)
  if (account.uid !== undefined && account.gid !== undefined) await chown(folder, account.uid, account.gid)
  await chmod(folder, 0o700)
}

/**
 * The directory of the socket: the folder itself, unless its path is too long for a socket. Then a directory below the
 * temporary one, recorded beside the data so that the next start finds it whatever TMPDIR is then.
 */
async function prepareSocketFolder(folder: string, account: Account): Promise<string> {
  if (Buffer.byteLength(folder) <= MAX_SOCKET_FOLDER_BYTES && !folder.includes("'")) return folder
  const note = join(folder, 'socket-folder')
  const noted = await readFile(note, 'utf8').catch(() => undefined)
  if (noted !== undefined && (await isOurs(noted, account))) return noted
  // An unpredictable name, since other users can write to the temporary directory too.
  const fresh = await mkdtemp(join(tmpdir(), 'osb-backup-'))
  await ownFolder(fresh, account)
  await writeFile(note, fresh)
  return fresh
}

/** Whether a path is a directory (no link) of the account that no other account can enter. */
async function isOurs(folder: string, account: Account): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined)
  if (found === undefined) return false
  return found.isDirectory() && found.uid === (account.uid ?? process.getuid?.()) && (found.mode & 0o777) === 0o700
}
