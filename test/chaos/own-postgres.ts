import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from '@osb-backup/testkit'

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

  get url(): string {
    return `postgresql://lab:lab-secret@127.0.0.1:${this.#environment.LAB_POSTGRESQL_PORT}/postgres`
  }

  /** Ends it, as an operator would or as a crash would, and starts it again. */
  async restart(how: 'stop' | 'crash'): Promise<void> {
    if (how === 'stop') await this.#script('stop.sh')
    else await this.#crash()
    await this.#start()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#script('stop.sh', '--wipe')
  }

  async #crash(): Promise<void> {
    const { LAB_POSTGRESQL_STATE: state = '' } = this.#environment
    const data = (await readFile(join(state, 'data-folder'), 'utf8')).trim()
    const [pid] = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')
    process.kill(Number(pid), 'SIGKILL')
    while (isAlive(Number(pid))) await sleep(20)
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
