import { chmod, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDirectory, SettingsError } from '@osb-backup/node'
import { Client, type ClientConfig } from 'pg'
import type { Logger } from 'pino'
import { findSoftware, type Software, unreachableFolder } from './postgres-software.ts'
import { type Account, giveFolder, giveTree, initdbAccount, isGiven, postgresAccount, runAs } from './run-as.ts'

/** A path to a Unix socket has at most 107 bytes; PostgreSQL's own part is `/.s.PGSQL.5432`. */
const MAX_SOCKET_FOLDER_BYTES = 90
/** How long a server that was killed may take to recover, or one that is stopping to stop. */
const START_TIMEOUT_MS = 90_000
const RETRY_MS = 250
/** How long a server takes at most to say that another one holds its folder. */
const REFUSAL_MS = 5000
const SUPERUSER = 'osb_backup'

/**
 * The real PostgreSQL, run from npm's binaries with its data in one folder, reached over a Unix socket that only its
 * owner may open, in a directory that no other account can enter. The server is a process of its own: it outlives a killed manager, and the next one finds it.
 */
export class EmbeddedPostgres {
  readonly connection: Required<Pick<ClientConfig, 'host' | 'user' | 'database'>>
  readonly #software: Software
  readonly #account: Account
  readonly #dataFolder: string
  readonly #logFile: string
  readonly #log: Logger
  /** Whether this process has started it. */
  #isOurs = false

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
   * @param signal - Ends the wait for a server that does not answer yet.
   * @throws {SettingsError} Saying in one sentence why the server does not start, and what to do.
   */
  static async start(folder: string, log: Logger, signal?: AbortSignal): Promise<EmbeddedPostgres> {
    const account = await postgresAccount(folder)
    await ownFolder(folder, account)
    await ownData(folder, account)
    await requireReachable(folder, account)
    const socketFolder = await prepareSocketFolder(folder, account)
    const software = await findSoftware(folder, account)
    const postgres = new EmbeddedPostgres(folder, socketFolder, software, account, log)
    try {
      await postgres.ensureRunning(signal)
      return postgres
    } catch (error) {
      if (postgres.#isOurs) await postgres.stop()
      throw error
    }
  }

  /** Starts the server unless it answers. Also recovers from a crash that left a stale pid file, or a server that is still stopping. */
  async ensureRunning(signal?: AbortSignal): Promise<void> {
    const endAtMs = performance.now() + START_TIMEOUT_MS
    if (await this.#answers()) {
      this.#log.info('found the embedded PostgreSQL running')
      return
    }
    await this.#initialise()
    for (;;) {
      signal?.throwIfAborted()
      const logged = await this.#logSize()
      const said = await this.#launch(signal)
      if (await this.#answers()) return
      const problem = await this.#findProblem(logged, said)
      if (!problem.isTemporary || performance.now() > endAtMs) throw startFailure(problem.reason, this.#logFile)
      await sleep(RETRY_MS, undefined, { signal })
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
    const { output, ok } = await this.#initdb(fresh)
    if (!ok) {
      await rm(fresh, { recursive: true, force: true })
      throw initialisationFailure(output)
    }
    await giveTree(fresh, this.#account)
    await rename(fresh, this.#dataFolder)
  }

  async #initdb(fresh: string): Promise<{ output: string; ok: boolean }> {
    const folder = dirname(fresh)
    const account = initdbAccount(this.#account)
    await mkdir(fresh, { mode: 0o700 })
    await giveFolder(fresh, account)
    // Its group may enter until then.
    await chmod(folder, 0o710)
    try {
      return await runAs(account, this.#software.initdb, [
        ...['-D', fresh, '-U', SUPERUSER, '-E', 'UTF8', '--locale=C', '--auth=trust', '--data-checksums'],
      ])
    } finally {
      await chmod(folder, 0o700)
    }
  }

  /** Starts the server, and waits until it accepts connections or has failed to. Returns what pg_ctl said. */
  async #launch(signal: AbortSignal | undefined): Promise<string> {
    const options = [
      `-c listen_addresses=''`,
      `-c unix_socket_directories='${this.connection.host}'`,
      '-c unix_socket_permissions=0700',
      '-c max_connections=100',
    ].join(' ')
    this.#isOurs = true
    const launched = runAs(this.#account, this.#software.pgCtl, [
      ...['start', '-D', this.#dataFolder, '-l', this.#logFile, '-o', options, '-w', '-t', '60'],
    ])
    const aborted = new Promise<never>((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
    try {
      const { ok, output } = await Promise.race([launched, aborted])
      this.#isOurs = ok
      return output
    } catch (error) {
      // Where another server holds the folder, the one that was launched has ended by then: there is none of ours to stop.
      const settled = await Promise.race([launched, sleep(REFUSAL_MS, undefined)])
      if (settled !== undefined) this.#isOurs = settled.ok
      throw error
    }
  }

  async #logSize(): Promise<number> {
    return (await stat(this.#logFile).catch(() => undefined))?.size ?? 0
  }

  /** Why the server did not start, from what it has logged since its log had a size; otherwise from what pg_ctl said. */
  async #findProblem(logged: number, said: string): Promise<{ reason: string; isTemporary: boolean }> {
    const log = (await readFile(this.#logFile).catch(() => Buffer.alloc(0))).subarray(logged).toString()
    const problems = [...log.matchAll(/(FATAL|PANIC): +(.*)/g)].map(([, level, text = '']) => ({ level, text }))
    const final =
      problems.find(({ text }) => text.includes(DISK_FULL)) ?? problems.find(({ level }) => level === 'PANIC')
    if (final !== undefined) return { reason: final.text, isTemporary: false }
    const lastLine = (text: string) => text.trim().split('\n').at(-1) ?? ''
    const reason = problems.at(-1)?.text ?? (lastLine(log) || lastLine(said))
    const isTemporary = /did not start in time/.test(said) || problems.some(({ text }) => temporary.test(text))
    return { reason, isTemporary }
  }
}

/** What says that a server may start when it is tried again: a former one has not ended yet, or recovers from a crash. */
const temporary =
  /lock file ".*" already exists|is still in use|terminating|the database system is (starting up|shutting down|in recovery|not)/

const DISK_FULL = 'No space left on device'

function startFailure(reason: string, logFile: string): SettingsError {
  if (reason.includes(DISK_FULL)) return diskFull()
  return new SettingsError(
    `The embedded PostgreSQL does not start: ${reason.replace(/\.$/, '')}. Its log is ${logFile}; DATABASE_URL uses another server.`,
  )
}

const diskFull = () => new SettingsError('The disk of DATA_DIR is full: free some space, and start the manager again.')

/** @throws {SettingsError} If the account that PostgreSQL runs under cannot enter a directory, or write to it. */
async function requireReachable(folder: string, account: Account): Promise<void> {
  if (account.uid === undefined) return
  const { ok } = await runAs(account, '/bin/sh', ['-c', 'cd "$1" && test -w .', 'sh', folder])
  if (!ok) throw unreachableFolder(folder, account)
}

function initialisationFailure(output: string): Error {
  if (output.includes(DISK_FULL)) return diskFull()
  if (!output.includes('could not look up effective user ID')) {
    const [reason = 'it gave no reason'] = output.split('\n').flatMap((line) => /error: (.*)$/.exec(line)?.[1] ?? [])
    return new SettingsError(
      `The embedded PostgreSQL cannot create its data: ${reason}. Correct that, or set DATABASE_URL to use another server.`,
    )
  }
  return new SettingsError(
    `DATABASE_URL is needed, or an entry for uid ${process.getuid?.()} in /etc/passwd: the embedded PostgreSQL refuses to run under a user without a name.`,
  )
}

/** Creates a directory that no other account can enter, and gives it to the account. */
async function ownFolder(folder: string, account: Account): Promise<void> {
  await createDirectory(folder, 0o700)
  await giveFolder(folder, account)
}

/** Data of another account, as after it was copied or restored, is given to the one that the server runs under. */
async function ownData(folder: string, account: Account): Promise<void> {
  const found = await stat(join(folder, 'data')).catch(() => undefined)
  if (found !== undefined && account.uid !== undefined && found.uid !== account.uid) await giveTree(folder, account)
}

/**
 * The directory of the socket: the folder itself, unless its path is too long for a socket. Then a directory below the
 * temporary one, recorded beside the data so that the next start finds it whatever TMPDIR is then.
 */
async function prepareSocketFolder(folder: string, account: Account): Promise<string> {
  if (Buffer.byteLength(folder) <= MAX_SOCKET_FOLDER_BYTES && !folder.includes("'")) return folder
  const note = join(folder, 'socket-folder')
  const noted = await readFile(note, 'utf8').catch(() => undefined)
  if (noted !== undefined && (await isGiven(noted, account))) return noted
  // An unpredictable name, since other users can write to the temporary directory too.
  const fresh = await mkdtemp(join(tmpdir(), 'osb-backup-'))
  await ownFolder(fresh, account)
  await writeFile(note, fresh)
  return fresh
}
