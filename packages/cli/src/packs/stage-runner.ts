import { spawn } from 'node:child_process'
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorCode } from '@osb-backup/node'
import { parameterVariable, type Stage } from '@osb-backup/protocol'

const STAGE_LIMIT_MS = 30 * 60_000
const MAX_MESSAGE_LENGTH = 600

/** The service that a pack is tested with. */
export interface TestedService {
  host: string
  port?: number | undefined
  username: string
  password: string
  privilegedUsername?: string | undefined
  privilegedPassword?: string | undefined
  parameters: readonly { name: string; value: string }[]
}

/** How a stage ended. */
export interface StageEnd {
  /** Undefined: it was killed, or did not end in time. */
  status: number | undefined
  tookMs: number
  /** The last lines that it printed. */
  message: string
}

/** What a stage reads, and when it is killed. */
export interface StageInput {
  input?: string
  output?: string
  killAfterMs?: number
  /** Of `elect`. */
  kind?: 'backup' | 'restore'
}

/**
 * As an agent runs scripts: with real pipes as standard streams, whose other ends are `cat`. The arguments are the script, and the files
 * that it reads, and that its output, its log and its status are written to.
 */
const wrapper = `{ cat -- "$1" | { bash -o pipefail "$0" 2>&1 >&3 3>&-; echo $? >"$4"; } | cat >>"$3"; } 3>&1 | cat >"$2"`

/** Runs the stages of one job, as an agent would, in a directory and an environment of their own. */
export class TestJob implements AsyncDisposable {
  readonly #pack: string
  readonly #service: TestedService
  readonly #database: string
  readonly #root: string
  readonly #id: string
  readonly #signal: AbortSignal

  private constructor(
    pack: string,
    service: TestedService,
    job: { database: string; root: string; signal: AbortSignal },
  ) {
    this.#pack = pack
    this.#service = service
    this.#database = job.database
    this.#root = job.root
    this.#signal = job.signal
    this.#id = `pack-test-${job.root.slice(-6)}`
  }

  static async begin(pack: string, service: TestedService, database: string, signal: AbortSignal): Promise<TestJob> {
    const root = await mkdtemp(join(tmpdir(), 'pack-test-'))
    const job = new TestJob(pack, service, { database, root, signal })
    for (const name of ['scratch', 'tmp']) await mkdir(join(root, name), { mode: 0o700 })
    return job
  }

  /** Whether the pack has a script for a stage. */
  async has(stage: Stage): Promise<boolean> {
    return (await this.#scriptOf(stage)) !== undefined
  }

  /** The metadata of a backup, for its restore. */
  readMetadata(): Promise<string | undefined> {
    return readFile(join(this.#root, 'metadata'), 'utf8').catch(() => undefined)
  }

  async writeMetadata(text: string | undefined): Promise<void> {
    if (text !== undefined) await writeFile(join(this.#root, 'metadata'), text)
  }

  /** Runs the script of a stage; one that the pack does not have succeeds. */
  async run(stage: Stage, { input = '/dev/null', output, killAfterMs, kind }: StageInput = {}): Promise<StageEnd> {
    const script = await this.#scriptOf(stage)
    if (script === undefined) return { status: 0, tookMs: 0, message: '' }
    const log = join(this.#root, `${stage}.log`)
    const status = join(this.#root, 'status')
    await writeFile(log, '')
    await rm(status, { force: true })
    const began = performance.now()
    const child = spawn(
      'bash',
      ['-c', wrapper, script, input, output ?? join(this.#root, `${stage}.out`), log, status],
      {
        cwd: this.#pack,
        env: this.#environment(stage, kind),
        stdio: 'ignore',
        detached: true,
      },
    )
    const ended = new Promise<'ended'>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', () => resolve('ended'))
    })
    const over = new AbortController()
    const limit = sleep(killAfterMs ?? STAGE_LIMIT_MS, 'limit' as const, {
      signal: AbortSignal.any([this.#signal, over.signal]),
    }).catch(() => 'stopped' as const)
    const first = await Promise.race([ended, limit])
    over.abort()
    const written = first === 'ended' ? await readFile(status, 'utf8').catch(() => '') : ''
    // A lock may be held by a process in the background.
    if (!(stage.endsWith('-lock') && written === '0\n')) await this.#killAll()
    await ended
    this.#signal.throwIfAborted()
    return {
      status: written === '' ? undefined : Number(written),
      tookMs: performance.now() - began,
      message: await this.#lastLines(log),
    }
  }

  /** What a lock holds, as if the agent had been restarted. */
  loseLock(): Promise<void> {
    return this.#killAll()
  }

  /** The files that scripts left where nobody removes them. */
  async leftovers(): Promise<string[]> {
    return readdir(join(this.#root, 'tmp'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#killAll()
    await rm(this.#root, { recursive: true, force: true })
  }

  async #scriptOf(stage: Stage): Promise<string | undefined> {
    for (const path of [join(this.#pack, stage), join(this.#pack, `${stage}.sh`)]) {
      const isThere = await access(path).then(
        () => true,
        () => false,
      )
      if (isThere) return path
    }
    return undefined
  }

  #environment(stage: Stage, kind: string | undefined): NodeJS.ProcessEnv {
    const { host, port, username, password, privilegedUsername, privilegedPassword, parameters } = this.#service
    const scratch = join(this.#root, 'scratch')
    const environment = {
      ...Object.fromEntries(parameters.map(({ name, value }) => [parameterVariable(name), value])),
      PATH: process.env.PATH,
      HOME: homedir(),
      LANG: process.env.LANG,
      TMPDIR: join(this.#root, 'tmp'),
      BACKUP_STAGE: stage,
      BACKUP_JOB_ID: this.#id,
      BACKUP_HOST: host,
      BACKUP_PORT: port === undefined ? undefined : String(port),
      BACKUP_USERNAME: username,
      BACKUP_PASSWORD: password,
      BACKUP_BACKUP_USERNAME: privilegedUsername,
      BACKUP_BACKUP_PASSWORD: privilegedPassword,
      BACKUP_DATABASE: stage === 'list-items' ? undefined : this.#database,
      BACKUP_DIRECTORY: scratch,
      BACKUP_WARNINGS: join(this.#root, 'warnings'),
      BACKUP_METADATA: join(this.#root, 'metadata'),
      BACKUP_FILENAME: 'pack-test',
      BACKUP_COMPRESSION: 'false',
      BACKUP_KIND: kind,
    }
    return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined))
  }

  /** The processes of the job, wherever they have moved to. */
  async #killAll(): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) {
      const pids = await this.#processes()
      if (pids.length === 0) return
      for (const pid of pids) {
        try {
          process.kill(pid, 'SIGKILL')
        } catch (error) {
          if (errorCode(error) !== 'ESRCH') throw error
        }
      }
      await sleep(20)
    }
  }

  async #processes(): Promise<number[]> {
    const mark = `BACKUP_DIRECTORY=${join(this.#root, 'scratch')}\0`
    const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
    const found = await Promise.all(
      pids.map(async (pid) => {
        const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
        return `${environment}\0`.includes(mark) ? [Number(pid)] : []
      }),
    )
    return found.flat()
  }

  async #lastLines(log: string): Promise<string> {
    const { password, privilegedPassword } = this.#service
    let text = (await readFile(log, 'utf8')).trimEnd().split('\n').slice(-5).join('\n')
    for (const secret of [password, privilegedPassword]) if (secret) text = text.replaceAll(secret, '***')
    return text.slice(-MAX_MESSAGE_LENGTH)
  }
}
