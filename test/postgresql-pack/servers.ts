import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, chown, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { freePort } from '@osb-backup/testkit'
import { Client, type ClientConfig } from 'pg'
import { createData } from './data-templates.ts'
import {
  type Account,
  clientPrograms,
  type Major,
  reachablePrograms,
  serverAccount,
  serverPrograms,
} from './postgres-software.ts'
import { runDetached } from './run-detached.ts'

const run = promisify(execFile)

/** A role that logs in with a password. */
export interface Login {
  username: string
  password: string
}

export const superuser: Login = { username: 'superuser', password: 'superuser-secret-1' }

/** A server that never started has no process to stop. */
const caretaker = `cat >/dev/null; "$0" stop -D "$1" -m immediate -w; rm -rf "$2"`

export interface ServerOptions {
  /** 15 unless given: the one that Debian has. */
  major?: Major
  /** Lines of postgresql.conf that differ from the defaults. */
  settings?: Record<string, string>
  /** Lines of pg_hba.conf that come before the one that asks for passwords. */
  hba?: readonly string[]
  /** What its folder is created in; /tmp unless given. Not below TMPDIR: a path to a Unix socket has at most 107 bytes. */
  parent?: string
  /** More files of the data directory, by their names, readable for the server alone: certificates, pg_ident.conf. */
  files?: Record<string, string>
}

/**
 * A PostgreSQL server of a test file's own, with default settings, reached over TCP on the loopback address and over a
 * Unix socket, with passwords.
 */
export class PostgresServer implements AsyncDisposable {
  readonly host = '127.0.0.1'
  readonly port: number
  readonly major: Major
  /** The Unix socket's folder. */
  readonly socketFolder: string
  /** The folder of `psql`, `pg_dump` and `pg_restore`. */
  readonly clientPrograms: string
  readonly #data: string
  readonly #programs: string
  readonly #account: Account
  readonly #caretaker: ChildProcess

  private constructor(
    major: Major,
    port: number,
    paths: { folder: string; programs: string; clientPrograms: string },
    account: Account,
  ) {
    this.major = major
    this.port = port
    this.socketFolder = paths.folder
    this.#data = join(paths.folder, 'data')
    this.#programs = paths.programs
    this.clientPrograms = paths.clientPrograms
    this.#account = account
    // Removes the server also if the process of the tests is killed: then its standard input ends.
    this.#caretaker = spawn('sh', ['-c', caretaker, join(paths.programs, 'pg_ctl'), this.#data, paths.folder], {
      ...account,
      cwd: '/',
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    })
  }

  /**
   * Creates and starts a server.
   *
   * @throws {Error} If there is no PostgreSQL of that version: ask `isInstalled` first.
   */
  static async start({ major = 15, parent = '/tmp', ...options }: ServerOptions = {}): Promise<PostgresServer> {
    const found = await serverPrograms(major)
    if (found === undefined) throw new Error(`there is no PostgreSQL ${major}`)
    const account = await serverAccount()
    const folder = await mkdtemp(`${parent}/pg-pack-`)
    await giveTo(account, folder)
    const programs = await reachablePrograms(found, account, folder)
    const paths = { folder, programs, clientPrograms: await clientPrograms() }
    const server = new PostgresServer(major, await freePort(), paths, account)
    try {
      await server.#initialise(options)
      await server.#launch()
    } catch (error) {
      await server[Symbol.asyncDispose]()
      throw error
    }
    return server
  }

  /**
   * Creates standbys of a server, which is restarted, and starts them. The server needs an entry in `hba` for replication.
   *
   * @returns They stream from it as soon as they can.
   */
  static async startStandbys(primary: PostgresServer, count: number): Promise<PostgresServer[]> {
    await primary.stop()
    const standbys: PostgresServer[] = []
    for (let index = 0; index < count; index++) {
      const folder = await mkdtemp('/tmp/pg-pack-')
      await giveTo(primary.#account, folder)
      await run('cp', ['-a', primary.#data, join(folder, 'data')])
      const paths = { folder, programs: primary.#programs, clientPrograms: primary.clientPrograms }
      const standby = new PostgresServer(primary.major, await freePort(), paths, primary.#account)
      standbys.push(standby)
      const { host, port } = primary
      const source = `host=${host} port=${port} user=${superuser.username} password=${superuser.password}`
      const settings = `port = '${standby.port}'\nunix_socket_directories = '${folder}'\nprimary_conninfo = '${source}'\n`
      await appendFile(join(standby.#data, 'postgresql.conf'), settings)
      await writeFile(join(standby.#data, 'standby.signal'), '')
      await giveTo(primary.#account, join(standby.#data, 'standby.signal'))
    }
    await primary.#launch()
    for (const standby of standbys) await standby.#launch()
    return standbys
  }

  /** Makes a standby the primary. */
  promote(): Promise<void> {
    return this.#as('pg_ctl', 'promote', '-D', this.#data, '-w')
  }

  /** Stops it at once, which cuts connections, and starts it again. */
  async restart(): Promise<void> {
    await this.crash()
    await this.#launch()
  }

  /** Its data directory. */
  get data(): string {
    return this.#data
  }

  /** Starts it after `stop`. */
  start(): Promise<void> {
    return this.#launch()
  }

  /** Stops it as the machine's service manager does. */
  stop(): Promise<void> {
    return this.#as('pg_ctl', 'stop', '-D', this.#data, '-m', 'fast', '-w')
  }

  /** What the server logged so far. */
  log(): Promise<string> {
    return readFile(join(this.#data, 'server.log'), 'utf8')
  }

  /** A URL of one of its databases. */
  connection(database: string, login: Login = superuser): ClientConfig & { database: string } {
    return { host: this.host, port: this.port, user: login.username, password: login.password, database }
  }

  /** Connects to a database for as long as the function runs. */
  async withClient<T>(database: string, use: (client: Client) => Promise<T>, login: Login = superuser): Promise<T> {
    const client = new Client(this.connection(database, login))
    await client.connect()
    try {
      return await use(client)
    } finally {
      await client.end()
    }
  }

  /** Runs statements as the superuser, one by one in one session, without a process of their own. */
  async query(database: string, statements: readonly string[]): Promise<void> {
    await this.withClient(database, async (client) => {
      for (const statement of statements) await client.query(statement)
    })
  }

  /** The environment that makes libpq's programs connect to a database. */
  environment(database: string, login: Login = superuser): NodeJS.ProcessEnv {
    return {
      PATH: `${this.clientPrograms}:${process.env.PATH}`,
      PGHOST: this.host,
      PGPORT: String(this.port),
      PGUSER: login.username,
      PGPASSWORD: login.password,
      PGDATABASE: database,
      PGCONNECT_TIMEOUT: '30',
    }
  }

  /** Runs SQL with psql, which stops at the first error, and returns what it prints, unaligned and without headers. */
  async sql(database: string, script: string, login: Login = superuser): Promise<string> {
    const child = spawn(join(this.clientPrograms, 'psql'), ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-f', '-'], {
      // Fixtures set time limits of milliseconds, which are meant for what the pack runs.
      env: { ...this.environment(database, login), PGOPTIONS: '-c statement_timeout=0 -c lock_timeout=0' },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    child.stdin.on('error', () => child.stdin.destroy())
    child.stdin.end(script)
    const closed = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), closed])
    if (status !== 0) throw new Error(`psql on ${database} as ${login.username}: ${stderr}`)
    return stdout.trimEnd()
  }

  /** Runs one of the client programs on a database, and returns what it prints. */
  async program(name: 'pg_dump' | 'pg_restore' | 'psql', args: readonly string[], database: string): Promise<string> {
    const { stdout } = await run(join(this.clientPrograms, name), [...args], {
      // A database may be set to refuse changes.
      env: { ...this.environment(database), PGOPTIONS: '-c default_transaction_read_only=off' },
      maxBuffer: 1 << 30,
    })
    return stdout
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#caretaker, 'close')
    this.#caretaker.stdin?.end()
    await ended
  }

  async #initialise({ settings = {}, hba = [], files = {} }: Omit<ServerOptions, 'parent'>): Promise<void> {
    await createData(this.#data, this.major, () => this.#initdb())
    const all = {
      listen_addresses: this.host,
      port: String(this.port),
      unix_socket_directories: this.socketFolder,
      fsync: 'off',
      full_page_writes: 'off',
      // Compiling the statements of a dump takes longer than executing them.
      jit: 'off',
      ...settings,
    }
    const lines = Object.entries(all).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`)
    await appendFile(join(this.#data, 'postgresql.conf'), lines.join(''))
    const asked = ['local all all scram-sha-256', 'host all all 127.0.0.1/32 scram-sha-256']
    await writeFile(join(this.#data, 'pg_hba.conf'), `${[...hba, ...asked].join('\n')}\n`)
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(this.#data, name), content, { mode: 0o600 })
      await giveTo(this.#account, join(this.#data, name))
    }
  }

  async #initdb(): Promise<void> {
    const passwordFile = join(this.socketFolder, 'password')
    await writeFile(passwordFile, superuser.password, { mode: 0o600 })
    await giveTo(this.#account, passwordFile)
    const encoding = ['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C.UTF-8']
    const login = ['-U', superuser.username, '--pwfile', passwordFile]
    await this.#as('initdb', '-D', this.#data, ...login, '--no-sync', ...encoding)
  }

  async #launch(): Promise<void> {
    const log = join(this.#data, 'server.log')
    try {
      await this.#as('pg_ctl', 'start', '-D', this.#data, '-l', log, '-w', '-t', '120')
    } catch (cause) {
      const lines = (await readFile(log, 'utf8').catch(() => '')).split('\n').slice(-10).join('\n')
      throw new Error(`PostgreSQL ${this.major} does not start: ${lines}`, { cause })
    }
  }

  /** Stops it at once, as a crash would. */
  crash(): Promise<void> {
    return this.#as('pg_ctl', 'stop', '-D', this.#data, '-m', 'immediate', '-w')
  }

  /** Runs one of the server's programs as its account, from a folder that this account can be in. */
  #as(program: string, ...args: string[]): Promise<void> {
    return runDetached(join(this.#programs, program), args, this.#account)
  }
}

async function giveTo({ uid, gid }: Account, path: string): Promise<void> {
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid)
}

/** Whether there is a PostgreSQL of this version here. */
export async function isInstalled(major: Major): Promise<boolean> {
  return (await serverPrograms(major)) !== undefined
}
