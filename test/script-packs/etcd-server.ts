import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '@osb-backup/testkit'
import { until } from '../agent/agent-under-test.ts'
import type { Login } from './pack-agent.ts'
import type { Service } from './service-stand-in.ts'

const run = promisify(execFile)

export const root: Login = { username: 'root', password: `root "secret" \\ '#:1` }

/** An etcd of a test file's own, from Debian's package, on the loopback address. */
export class EtcdServer implements Service, AsyncDisposable {
  readonly host = '127.0.0.1'
  readonly folder: string
  readonly data: string
  readonly port: number
  readonly peerUrl: string
  #process: ChildProcess | undefined

  private constructor(folder: string, port: number, peerPort: number) {
    this.folder = folder
    this.data = join(folder, 'data "dir"')
    this.port = port
    this.peerUrl = `http://127.0.0.1:${peerPort}`
  }

  static async start(): Promise<EtcdServer> {
    const folder = await mkdtemp(join(tmpdir(), 'etcd-pack-'))
    const server = new EtcdServer(folder, await freePort(), await freePort())
    await server.start()
    return server
  }

  get isRunning(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null
  }

  async start(): Promise<void> {
    const url = `http://127.0.0.1:${this.port}`
    const names = ['--name', 'one', '--data-dir', this.data, '--initial-cluster', `one=${this.peerUrl}`]
    const clients = ['--listen-client-urls', url, '--advertise-client-urls', url]
    const peers = ['--listen-peer-urls', this.peerUrl, '--initial-advertise-peer-urls', this.peerUrl]
    const child = spawn('etcd', [...names, ...clients, ...peers, '--unsafe-no-fsync', '--log-level', 'error'], {
      stdio: 'ignore',
    })
    this.#process = child
    // Over HTTP, since the client needs an account where authentication is enabled.
    const isUp = () =>
      fetch(`${url}/health`).then(
        ({ ok }) => ok || child.exitCode !== null,
        () => child.exitCode !== null,
      )
    await until(isUp, 'etcd starts')
    if (child.exitCode !== null) throw new Error(`etcd ended with ${child.exitCode}`)
  }

  async stop(): Promise<void> {
    this.#process?.kill('SIGTERM')
    await until(() => !this.isRunning, 'etcd ends')
  }

  /** Runs etcdctl; the account is root unless another one, or none, is given. */
  async ctl(args: readonly string[], login: Login | undefined = undefined): Promise<string> {
    const env = {
      PATH: process.env.PATH,
      ETCDCTL_API: '3',
      ETCDCTL_ENDPOINTS: `http://127.0.0.1:${this.port}`,
      ...(login && { ETCDCTL_USER: `${login.username}:${login.password}` }),
    }
    return (await run('etcdctl', args, { env, maxBuffer: 100_000_000 })).stdout
  }

  /** All keys with values, versions and leases, and the accounts. */
  async describe(login?: Login): Promise<string> {
    const keys = await this.ctl(['get', '', '--prefix', '-w', 'json'], login)
    const { kvs } = JSON.parse(keys)
    const accounts = [await this.ctl(['user', 'list'], login), await this.ctl(['role', 'list'], login)]
    return JSON.stringify([kvs, accounts], undefined, 1)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process?.kill('SIGKILL')
    await until(() => !this.isRunning, 'etcd ends')
    await rm(this.folder, { recursive: true, force: true })
  }
}
