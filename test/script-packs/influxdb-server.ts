import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@osb-backup/testkit'
import { until } from '../agent/agent-under-test.ts'
import type { Login } from './pack-agent.ts'

export const admin: Login = { username: 'admin', password: `admin "secret" \\ #1 ü` }

/** An InfluxDB 1.x server of a test file's own, from Debian's package, on the loopback address. */
export class InfluxdbServer implements AsyncDisposable {
  readonly host = '127.0.0.1'
  readonly port: number
  readonly rpcAddress: string
  readonly #folder: string
  readonly #process: ChildProcess

  private constructor(folder: string, ports: { http: number; rpc: number }, process: ChildProcess) {
    this.#folder = folder
    this.port = ports.http
    this.rpcAddress = `127.0.0.1:${ports.rpc}`
    this.#process = process
  }

  static async start(): Promise<InfluxdbServer> {
    const folder = await mkdtemp(join(tmpdir(), 'influxdb-pack-'))
    const ports = { http: await freePort(), rpc: await freePort() }
    const config = join(folder, 'influxdb.conf')
    const folders = `[meta]\ndir = "${folder}/meta"\n[data]\ndir = "${folder}/data"\nwal-dir = "${folder}/wal"`
    const http = `[http]\nbind-address = "127.0.0.1:${ports.http}"\nauth-enabled = true\nlog-enabled = false`
    const head = `reporting-disabled = true\nbind-address = "127.0.0.1:${ports.rpc}"`
    await writeFile(config, `${head}\n${folders}\n${http}\n[monitor]\nstore-enabled = false\n`)
    const child = spawn('influxd', ['run', '-config', config], { stdio: 'ignore' })
    const server = new InfluxdbServer(folder, ports, child)
    const isUp = () =>
      fetch(`${server.#url}/ping`).then(
        ({ ok }) => ok,
        () => child.exitCode !== null,
      )
    await until(isUp, 'InfluxDB starts')
    const { username, password } = admin
    await server.query(
      `CREATE USER ${username} WITH PASSWORD '${password.replaceAll('\\', '\\\\')}' WITH ALL PRIVILEGES`,
    )
    return server
  }

  get #url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Executes a statement. Answers the rows of all series as JSON, without ids of statements. */
  async query(statement: string, database = ''): Promise<string> {
    const body = new URLSearchParams({ q: statement, db: database, epoch: 'ns' })
    const answer = await fetch(`${this.#url}/query`, { method: 'POST', body, headers: this.#headers })
    const text = await answer.text()
    if (!answer.ok || text.includes('"error":')) throw new Error(`${statement}: ${text}`)
    const [result] = (JSON.parse(text) as { results: { series?: unknown[] }[] }).results
    // Numbers as they were written: those of 64 bits are not numbers of JavaScript.
    return result?.series === undefined ? '' : text
  }

  /** Writes points, in line protocol. */
  async write(database: string, lines: string, policy = 'autogen'): Promise<void> {
    const where = new URLSearchParams({ db: database, rp: policy })
    const answer = await fetch(`${this.#url}/write?${where}`, { method: 'POST', body: lines, headers: this.#headers })
    if (!answer.ok) throw new Error(await answer.text())
  }

  /** All points and retention policies of a database. */
  async describe(database: string): Promise<string> {
    const name = `"${database.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
    const policies = await this.query(`SHOW RETENTION POLICIES ON ${name}`)
    const fields = await this.query(`SHOW FIELD KEYS ON ${name}`)
    const points: string[] = []
    for (const policy of (JSON.parse(policies).results[0].series[0].values as [string][]).map(([found]) => found)) {
      points.push(await this.query(`SELECT * FROM ${name}."${policy}"./.*/ GROUP BY *`))
    }
    return [policies, fields, ...points].join('\n')
  }

  get #headers(): Record<string, string> {
    const { username, password } = admin
    return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL')
    await until(() => this.#process.exitCode !== null || this.#process.signalCode !== null, 'InfluxDB ends')
    await rm(this.#folder, { recursive: true, force: true })
  }
}
