import { execFile } from 'node:child_process'
import { chown, mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from '@osb-backup/testkit'
import { Client } from 'pg'

const run = promisify(execFile)
const lab = join(import.meta.dirname, '..', '..', 'lab', 'postgresql')
const START_ATTEMPTS = 20

/** A PostgreSQL server of one's own, which may be ended as one likes. */
export class OwnPostgres implements AsyncDisposable {
  readonly #environment: Record<string, string>

  private constructor(environment: Record<string, string>) {
    this.#environment = environment
  }

  /** Makes and starts one whose data lies in a folder. */
  static async start(folder: string): Promise<OwnPostgres> {
    const postgres = new OwnPostgres({
      LAB_POSTGRESQL_STATE: join(folder, 'postgresql'),
      LAB_POSTGRESQL_PORT: String(await freePort()),
    })
    await postgres.#start()
    return postgres
  }

  /** Copies a server that runs, and starts the copy as its synchronous standby: each commit waits for it from now on. */
  static async startStandby(primary: OwnPostgres, folder: string): Promise<OwnPostgres> {
    const state = join(folder, 'standby')
    const standby = new OwnPostgres({ LAB_POSTGRESQL_STATE: state, LAB_POSTGRESQL_PORT: String(await freePort()) })
    const { bin } = JSON.parse(await readFile(join(primary.#state, 'env.json'), 'utf8'))
    const { uid, gid } = await stat(await primary.#dataFolder())
    await mkdir(state)
    await chown(state, uid, gid)
    const copy = ['-d', primary.url, '-D', join(state, 'data'), '-R', '-X', 'stream', '-c', 'fast']
    await run(join(bin, 'pg_basebackup'), copy, { uid, gid, cwd: '/' })
    await standby.#start()
    await primary.query("alter system set synchronous_standby_names = '*'")
    await primary.query('select pg_reload_conf()')
    const isSynchronous = "select exists (select from pg_stat_replication where sync_state = 'sync') as yes"
    while ((await primary.query<{ yes: boolean }>(isSynchronous))[0]?.yes !== true) await sleep(50)
    return standby
  }

  get url(): string {
    return `postgresql://lab:lab-secret@${this.address}/postgres`
  }

  get address(): string {
    return `127.0.0.1:${this.#environment.LAB_POSTGRESQL_PORT}`
  }

  get #state(): string {
    return this.#environment.LAB_POSTGRESQL_STATE ?? ''
  }

  async query<Row extends object>(text: string): Promise<Row[]> {
    const client = new Client(this.url)
    await client.connect()
    try {
      return (await client.query<Row>(text)).rows
    } finally {
      await client.end()
    }
  }

  /** Starts it again after `crash`. */
  start(): Promise<void> {
    return this.#start()
  }

  /** Ends it, as an operator would or as a crash would, and starts it again. */
  async restart(how: 'stop' | 'crash'): Promise<void> {
    if (how === 'stop') await this.#script('stop.sh')
    else await this.crash()
    await this.#start()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#script('stop.sh', '--wipe')
  }

  /** Kills it, as a crash of its machine would. */
  async crash(): Promise<void> {
    const [pid] = (await readFile(join(await this.#dataFolder(), 'postmaster.pid'), 'utf8')).split('\n')
    process.kill(Number(pid), 'SIGKILL')
    while (isAlive(Number(pid))) await sleep(20)
  }

  async #dataFolder(): Promise<string> {
    return (await readFile(join(this.#state, 'data-folder'), 'utf8')).trim()
  }

  /** After a crash its children take a moment to notice, and keep a new server from starting. */
  async #start(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#script('start.sh')
        return
      } catch (error) {
        if (attempt === START_ATTEMPTS) throw error
        await sleep(250)
      }
    }
  }

  async #script(name: string, ...args: string[]): Promise<void> {
    await run('bash', [join(lab, name), ...args], { env: { ...process.env, ...this.#environment } })
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
