import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type AgentProcess,
  freePort,
  type ManagerProcess,
  type RunningProcess,
  startAgentProcess,
  startManagerProcess,
} from '@osb-backup/testkit'

const START_ATTEMPTS = 10

/** A program that is killed and started again, always over the same data. */
export abstract class Victim<P extends RunningProcess = RunningProcess> {
  readonly name: string
  /** What it said when it ended though nobody had ended it. */
  readonly collapses: string[] = []
  #process: P | undefined

  constructor(name: string) {
    this.name = name
  }

  protected abstract launch(): Promise<P>

  get running(): P {
    if (this.#process === undefined) throw new Error(`${this.name} does not run`)
    return this.#process
  }

  async start(): Promise<void> {
    const started = await this.launch()
    this.#process = started
    void started.ended().then((status) => {
      if (this.#process === started) this.collapses.push(`${this.name} ended with ${status}:\n${started.output()}`)
    })
  }

  kill(): Promise<void> {
    return this.#letGo().kill()
  }

  stop(): Promise<void> {
    return this.#letGo().stop()
  }

  #letGo(): P {
    const { running } = this
    this.#process = undefined
    return running
  }
}

/** Scripts whose locks, runs and random failures leave traces in a folder. */
const scripts = {
  'pack.json': JSON.stringify({ form: 2, name: 'chaos', type: '.dump' }),
  'pre-backup-lock': 'mkdir "$TRACES/lock.$BACKUP_DATABASE"',
  backup: `echo "$BACKUP_JOB_ID" >>"$TRACES/runs"
sleep "0.$((RANDOM % 10))"
if [ $((RANDOM % 20)) = 0 ]; then echo "bad luck" >&2; exit 3; fi
head -c $((1000 + RANDOM)) /dev/urandom`,
  // rmdir fails where nothing is locked: an unlock too many would be seen as a failure.
  'post-backup-unlock': 'rmdir "$TRACES/lock.$BACKUP_DATABASE"',
}

/** An agent that keeps its address and its data. */
export class ChaosAgent extends Victim<AgentProcess> {
  readonly folder: string
  readonly #settings: Record<string, string>

  private constructor(name: string, folder: string, settings: Record<string, string>) {
    super(name)
    this.folder = folder
    this.#settings = settings
  }

  static async prepare(name: string, root: string, store: string): Promise<ChaosAgent> {
    const folder = join(root, name)
    const scriptsFolder = join(folder, 'scripts')
    const traces = join(folder, 'traces')
    await mkdir(scriptsFolder, { recursive: true })
    await mkdir(traces)
    for (const [file, text] of Object.entries(scripts)) {
      const content = file.endsWith('.json') ? text : `TRACES="${traces}"\n${text}\n`
      await writeFile(join(scriptsFolder, file), content)
    }
    await appendFile(join(traces, 'runs'), '')
    return new ChaosAgent(name, folder, {
      client_port: String(await freePort()),
      directory_backup: join(folder, 'backup'),
      directory_restore: join(folder, 'restore'),
      scripts_path: scriptsFolder,
      file_destination_root: store,
      shutdown_grace_seconds: '1',
      stage_kill_grace_seconds: '1',
    })
  }

  get traces(): string {
    return join(this.folder, 'traces')
  }

  protected override launch(): Promise<AgentProcess> {
    return startAgentProcess(this.#settings)
  }
}

/** A manager that keeps its data; its address changes with each start. */
export class ChaosManager extends Victim<ManagerProcess> {
  readonly #settings: Record<string, string>

  constructor(name: string, settings: Record<string, string>) {
    super(name)
    this.#settings = settings
  }

  /** As a supervisor does: tries again if it ends at once, which it does while its PostgreSQL is down. */
  protected override async launch(): Promise<ManagerProcess> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await startManagerProcess(this.#settings)
      } catch (error) {
        if (attempt === START_ATTEMPTS) throw error
        await delay(500)
      }
    }
  }
}
