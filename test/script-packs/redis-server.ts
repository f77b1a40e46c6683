import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { freePort } from '@osb-backup/testkit'
import { until } from '../agent/agent-under-test.ts'
import type { Login } from './pack-agent.ts'

export const admin: Login = { username: 'admin', password: `admin "secret" \\ '#1` }

const quoted = (value: string) => JSON.stringify(value)
const sha256 = (value: string) => createHash('sha256').update(value).digest('hex')

/** A Redis server of a test file's own, from Debian's package, on the loopback address. */
export class RedisServer implements AsyncDisposable {
  readonly host = '127.0.0.1'
  readonly folder: string
  readonly port: number
  #config: string
  #process: ChildProcess | undefined

  private constructor(folder: string, port: number, config: string) {
    this.folder = folder
    this.port = port
    this.#config = config
  }

  static async start(...settings: string[]): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'redis-pack-'))
    const port = await freePort()
    const config = [
      ...[`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, 'repl-diskless-sync-delay 0', 'enable-debug-command yes'],
      ...['enable-protected-configs yes', `user ${admin.username} on ~* &* +@all #${sha256(admin.password)}`],
      ...['user default off', ...settings],
    ]
    const server = new RedisServer(folder, port, `${config.join('\n')}\n`)
    await server.#spawn()
    return server
  }

  async #spawn(): Promise<void> {
    const child = spawn('redis-server', ['-'], { stdio: ['pipe', 'ignore', 'ignore'] })
    this.#process = child
    child.stdin?.end(this.#config)
    const isUp = () => this.ask('PING').then(Boolean, () => child.exitCode !== null)
    await until(isUp, 'Redis starts')
    if (child.exitCode !== null) throw new Error(`Redis ended with ${child.exitCode}`)
  }

  /** Sends commands, one a line, quoted as redis-cli reads them. An error reply is an error. */
  async ask(commands: string, { username, password }: Login = admin): Promise<string> {
    const child = spawn('redis-cli', ['-h', this.host, '-p', String(this.port), '--user', username, '--no-raw'], {
      env: { PATH: process.env.PATH, REDISCLI_AUTH: password },
    })
    child.stdin.on('error', () => undefined)
    child.stdin.end(`${commands}\n`)
    const closed = new Promise((resolve) => child.once('close', resolve))
    const [out, error, code] = await Promise.all([text(child.stdout), text(child.stderr), closed])
    if (code !== 0 || error !== '' || /^\(error\)/m.test(out)) throw new Error(error + out)
    return out.trim()
  }

  /** A value of INFO. */
  async info(field: string): Promise<string> {
    return new RegExp(`^${field}:(.*?)\r?$`, 'm').exec(await this.ask('INFO everything'))?.[1] ?? ''
  }

  /** Everything in all databases, with functions and the moments at which keys expire. */
  async digest(keysThatExpire: readonly string[] = []): Promise<string> {
    const moments = keysThatExpire.map((key) => `PEXPIRETIME ${quoted(key)}`)
    return this.ask(['DEBUG DIGEST', 'FUNCTION DUMP', 'INFO keyspace', ...moments].join('\n')).then((found) =>
      found.replaceAll(/avg_ttl=\d+/g, ''),
    )
  }

  kill(): Promise<void> {
    return this.#stop('SIGKILL')
  }

  /** Stops the server, and starts it with the files that it left. */
  async restart(): Promise<void> {
    await this.#stop('SIGTERM')
    await this.#spawn()
    await until(async () => (await this.info('loading')) === '0', 'Redis has loaded its data')
  }

  /** As `restart`, with further settings. */
  restartWith(...settings: string[]): Promise<void> {
    this.#config += `${settings.join('\n')}\n`
    return this.restart()
  }

  async #stop(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process
    child?.kill(signal)
    await until(() => !child || child.exitCode !== null || child.signalCode !== null, 'Redis ends')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    await rm(this.folder, { recursive: true, force: true })
  }
}
