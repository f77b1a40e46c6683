import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { freePort } from '@osb-backup/testkit'
import { until } from '../agent/agent-under-test.ts'
import { createCertificatesIn } from '../fixtures/certificates.ts'

const run = promisify(execFile)

/** An account of the server. */
export interface Login {
  username: string
  password: string
}

export const root: Login = { username: 'admin', password: 'admin "secret" \\ #1' }

/** A text as a string in SQL. */
export const quoted = (value: string): string => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

/** A MariaDB server of a test file's own, from Debian's package, on the loopback address. */
export class MariadbServer implements AsyncDisposable {
  readonly host = '127.0.0.1'
  readonly port: number
  /** Its data directory, which has a directory of its own around it. */
  readonly data: string
  /** The authority that its certificate is signed by. */
  readonly ca: string
  readonly #folder: string
  readonly #options: readonly string[]
  #process: ChildProcess | undefined

  private constructor(folder: string, port: number, options: readonly string[]) {
    this.#folder = folder
    this.data = join(folder, 'data')
    this.ca = join(folder, 'tls/ca.pem')
    this.port = port
    this.#options = options
  }

  static async start(): Promise<MariadbServer> {
    // Not below TMPDIR: a path to a Unix socket has at most 107 bytes.
    const folder = await mkdtemp('/tmp/mariadb-pack-')
    const data = join(folder, 'data')
    const tls = join(folder, 'tls')
    await mkdir(tls)
    const certificates = await createCertificatesIn(tls, 'server')
    const isRoot = process.getuid?.() === 0
    if (isRoot) {
      const [, uid, gid] = /^mysql:[^:]*:(\d+):(\d+):/m.exec(await readFile('/etc/passwd', 'utf8')) ?? []
      const files = (await readdir(tls)).map((name) => join(tls, name))
      for (const path of [folder, tls, ...files]) await chown(path, Number(uid), Number(gid))
    }
    const common = ['--no-defaults', ...(isRoot ? ['--user=mysql'] : []), `--datadir=${data}`]
    await run('mariadb-install-db', [...common, '--skip-test-db', '--auth-root-authentication-method=normal'])
    const create = `CREATE USER IF NOT EXISTS '${root.username}'@'%' IDENTIFIED BY ${quoted(root.password)};`
    const init = join(folder, 'init.sql')
    await writeFile(init, `${create}\nGRANT ALL ON *.* TO '${root.username}'@'%' WITH GRANT OPTION;\n`, { mode: 0o644 })
    const port = await freePort()
    const options = [`--port=${port}`, '--bind-address=127.0.0.1', `--init-file=${init}`, '--event-scheduler=on']
    const paths = [`--socket=${join(folder, 'socket')}`, `--pid-file=${join(folder, 'pid')}`]
    const secure = [
      `--ssl-ca=${certificates.file('ca.pem')}`,
      `--ssl-cert=${certificates.file('server.pem')}`,
      `--ssl-key=${certificates.file('server.key')}`,
    ]
    const small = [
      '--innodb-buffer-pool-size=32M',
      '--innodb-flush-log-at-trx-commit=0',
      '--character-set-server=latin1',
    ]
    const server = new MariadbServer(folder, port, [...common, ...options, ...paths, ...secure, ...small])
    await server.launch()
    return server
  }

  /** Starts the server on its data directory, and waits until it answers. */
  async launch(): Promise<void> {
    const child = spawn('mariadbd', this.#options, { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#process = child
    const log: string[] = []
    child.stderr?.on('data', (chunk: Buffer) => log.push(chunk.toString()))
    // Answers also if it rejects the account: the data may be of before it was created.
    const answers = (error: Error) => error.message.includes('Access denied') || child.exitCode !== null
    await until(() => this.sql('SELECT 1').then(Boolean, answers), 'MariaDB starts')
    if (child.exitCode !== null) throw new Error(`MariaDB ended: ${log.join('')}`)
  }

  /** Stops the server, as the machine's service manager does. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process
    if (child === undefined) return
    child.kill(signal)
    await until(() => child.exitCode !== null || child.signalCode !== null, 'MariaDB ends')
    this.#process = undefined
  }

  /** Executes statements, as the administrator unless another account is given. Answers the rows, columns separated by tabs. */
  async sql(statements: string, database?: string, { username, password }: Login = root): Promise<string> {
    const address = ['--no-defaults', '--protocol=tcp', '-h', this.host, '-P', String(this.port), '-u', username]
    const output = ['--batch', '--skip-column-names', '--default-character-set=utf8mb4']
    const child = spawn('mariadb', [...address, ...output, ...(database === undefined ? [] : [database])], {
      env: { PATH: process.env.PATH, MYSQL_PWD: password },
    })
    child.stdin.on('error', () => undefined)
    child.stdin.end(statements)
    const closed = new Promise((resolve) => child.once('close', resolve))
    const [out, error, code] = await Promise.all([text(child.stdout), text(child.stderr), closed])
    if (code !== 0) throw new Error(error)
    return out
  }

  /** SHA-256 of everything in a database: definitions, options and rows, but not when they were created or by whom. */
  async digest(database: string): Promise<string> {
    return createHash('sha256')
      .update(await this.describe(database))
      .digest('hex')
  }

  /** What `digest` is of. */
  async describe(database: string): Promise<string> {
    const found: string[] = []
    for (const query of catalogueQueries(`'${database}'`)) {
      found.push((await this.sql(query)).replaceAll(`\`${database}\`.\``, '`'))
    }
    const tables = `SELECT table_name, table_type FROM information_schema.tables
      WHERE table_schema = '${database}' AND table_type <> 'VIEW' ORDER BY 1`
    for (const row of (await this.sql(tables)).split('\n').filter(Boolean)) {
      const [name = '', type] = row.split('\t')
      found.push(await this.sql(`SHOW CREATE TABLE ${identifier(name)}`, database))
      found.push(await this.#rows(database, name, type === 'SYSTEM VERSIONED'))
    }
    return found.join('\n--\n')
  }

  async #rows(database: string, table: string, isVersioned: boolean): Promise<string> {
    const names = await this.sql(`SELECT column_name FROM information_schema.columns
      WHERE table_schema = '${database}' AND table_name = ${quoted(table)} ORDER BY ordinal_position`)
    const columns = [...names.split('\n').filter(Boolean), ...(isVersioned ? ['row_start', 'row_end'] : [])]
    const list = columns.map((name) => `hex(${identifier(name)})`).join(', ')
    const history = isVersioned ? 'FOR SYSTEM_TIME ALL' : ''
    return this.sql(`SELECT ${list} FROM ${identifier(table)} ${history} ORDER BY ${list}`, database)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL')
    await rm(this.#folder, { recursive: true, force: true })
  }
}

const identifier = (name: string): string => `\`${name.replaceAll('`', '``')}\``

const catalogueQueries = (schema: string): string[] => [
  `SELECT default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name = ${schema}`,
  `SELECT table_name, table_type, engine, row_format, table_collation, create_options, table_comment
    FROM information_schema.tables WHERE table_schema = ${schema} ORDER BY 1`,
  `SELECT table_name, view_definition, check_option, security_type
    FROM information_schema.views WHERE table_schema = ${schema} ORDER BY 1`,
  `SELECT trigger_name, event_manipulation, event_object_table, action_order, action_statement, action_timing, sql_mode
    FROM information_schema.triggers WHERE trigger_schema = ${schema} ORDER BY 1`,
  `SELECT routine_name, routine_type, dtd_identifier, routine_definition, sql_mode, routine_comment
    FROM information_schema.routines WHERE routine_schema = ${schema} ORDER BY 1`,
  `SELECT event_name, event_definition, event_type, interval_value, interval_field, starts, status, sql_mode
    FROM information_schema.events WHERE event_schema = ${schema} ORDER BY 1`,
]
