import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '@osb-backup/testkit'
import { until } from '../agent/agent-under-test.ts'
import type { Login } from './pack-agent.ts'

const run = promisify(execFile)

export const admin: Login = { username: 'admin', password: `admin "secret" \\ '#1` }

/** A RabbitMQ of a test file's own, from Debian's package, on the loopback address. */
export class RabbitmqServer implements AsyncDisposable {
  readonly host = '127.0.0.1'
  /** Of the management API. */
  readonly port: number
  readonly #folder: string
  readonly #process: ChildProcess
  readonly #epmdPort: number

  private constructor(folder: string, port: number, { child, epmdPort }: { child: ChildProcess; epmdPort: number }) {
    this.#folder = folder
    this.port = port
    this.#process = child
    this.#epmdPort = epmdPort
  }

  static async start(): Promise<RabbitmqServer> {
    const folder = await mkdtemp('/tmp/rabbitmq-pack-')
    const [port, amqpPort, distPort, epmdPort] = [
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
    ]
    await mkdir(join(folder, 'home'))
    await writeFile(join(folder, 'plugins'), '[rabbitmq_management].\n')
    await writeFile(
      join(folder, 'rabbitmq.conf'),
      `management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = ${port}\nlisteners.tcp.default = 127.0.0.1:${amqpPort}\n`,
    )
    const child = spawn('/usr/lib/rabbitmq/bin/rabbitmq-server', {
      stdio: 'ignore',
      detached: true,
      env: {
        PATH: process.env.PATH,
        HOME: join(folder, 'home'),
        LANG: 'C.UTF-8',
        RABBITMQ_NODENAME: `pack${port}@localhost`,
        RABBITMQ_NODE_PORT: String(amqpPort),
        RABBITMQ_DIST_PORT: String(distPort),
        ERL_EPMD_PORT: String(epmdPort),
        ERL_EPMD_ADDRESS: '127.0.0.1',
        RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
        RABBITMQ_LOG_BASE: join(folder, 'log'),
        RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq'),
        RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
        RABBITMQ_CONF_ENV_FILE: '/dev/null',
        RABBITMQ_PID_FILE: join(folder, 'pid'),
      },
    })
    const server = new RabbitmqServer(folder, port, { child, epmdPort })
    const guest = { username: 'guest', password: 'guest' }
    const isUp = () => server.call('GET', 'overview', undefined, guest).then(Boolean, () => child.exitCode !== null)
    await until(isUp, 'RabbitMQ starts')
    if (child.exitCode !== null) throw new Error(`RabbitMQ ended with ${child.exitCode}`)
    await server.call('PUT', `users/${admin.username}`, { password: admin.password, tags: 'administrator' }, guest)
    return server
  }

  /** Calls the management API; an answer that is no success is an error. */
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  async call(method: string, path: string, body?: unknown, { username, password }: Login = admin): Promise<any> {
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
    const response = await fetch(`http://${this.host}:${this.port}/api/${path}`, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }

  async createVhost(vhost: string, users: readonly string[]): Promise<void> {
    await this.call('PUT', `vhosts/${encodeURIComponent(vhost)}`, {})
    for (const user of [admin.username, ...users]) {
      const rights = { configure: '.*', write: '.*', read: '.*' }
      await this.call('PUT', `permissions/${encodeURIComponent(vhost)}/${user}`, rights)
    }
  }

  /** The broker's own export of a virtual host, or of everything, in a fixed order. */
  async describe(vhost?: string): Promise<string> {
    const found = await this.call(
      'GET',
      vhost === undefined ? 'definitions' : `definitions/${encodeURIComponent(vhost)}`,
    )
    const sorted = Object.entries(found).map(([name, value]) => [
      name,
      Array.isArray(value)
        ? value.map((each) => JSON.stringify({ ...each, vhost: undefined }, Object.keys(each).toSorted())).toSorted()
        : value,
    ])
    return JSON.stringify(sorted, undefined, 1)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#process
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
    await until(() => child.exitCode !== null || child.signalCode !== null, 'RabbitMQ ends')
    const env = { ...process.env, ERL_EPMD_ADDRESS: '127.0.0.1' }
    await run('epmd', ['-port', String(this.#epmdPort), '-kill'], { env }).catch(() => undefined)
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }
}
