import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type AgentProcess,
  freePort,
  type ManagerProcess,
  type RunningProcess,
  SkewedClock,
  SmallDisk,
  startAgentProcess,
  startManagerProcess,
  type VirtualHost,
} from '@osb-backup/testkit'
import { writeWitnesses } from './scripts.ts'

const START_TIMEOUT_MS = 240_000
const DISK_MIB = 16

/** A program that is killed and started again, always over the same data. */
export abstract class Victim<P extends RunningProcess = RunningProcess> {
  readonly name: string
  readonly host: VirtualHost | undefined
  /** Absent where libfaketime is not installed. */
  readonly clock: SkewedClock | undefined
  /** Its last output, if it ended unexpectedly. */
  readonly collapses: string[] = []
  #process: P | undefined

  protected constructor(name: string, host: VirtualHost | undefined, clock: SkewedClock | undefined) {
    this.name = name
    this.host = host
    this.clock = clock
  }

  protected abstract launch(prefix: readonly string[], environment: Readonly<Record<string, string>>): Promise<P>

  get isRunning(): boolean {
    return this.#process !== undefined
  }

  get running(): P {
    if (this.#process === undefined) throw new Error(`${this.name} does not run`)
    return this.#process
  }

  /** As a supervisor does: tries until it runs, and again whenever it ends by itself. */
  async start(): Promise<void> {
    const endAt = Date.now() + START_TIMEOUT_MS
    for (;;) {
      try {
        this.#process = await this.launch(this.host?.prefix ?? [], this.clock?.environment ?? {})
        break
      } catch (error) {
        if (Date.now() > endAt) throw error
        await sleep(500)
      }
    }
    const started = this.#process
    void started.ended().then((status) => {
      if (this.#process !== started) return
      this.#process = undefined
      this.collapses.push(`${this.name} ended with ${status}:\n${started.output().slice(-2000)}`)
      void this.start()
    })
  }

  async kill(): Promise<void> {
    await this.#letGo()?.kill()
  }

  async stop(): Promise<void> {
    await this.#letGo()?.stop()
  }

  /** Undefined where it has ended by itself at this moment. */
  #letGo(): P | undefined {
    const running = this.#process
    this.#process = undefined
    return running
  }
}

/** An agent that keeps its address and its data. */
export class ChaosAgent extends Victim<AgentProcess> {
  readonly traces: string
  /** Its state and the dumps that it stages are on it; absent where we are not root. */
  readonly disk: SmallDisk | undefined
  readonly #settings: Record<string, string>

  private constructor(
    place: Pick<Victim, 'name' | 'host' | 'clock'>,
    { traces, disk, settings }: { traces: string; disk: SmallDisk | undefined; settings: Record<string, string> },
  ) {
    super(place.name, place.host, place.clock)
    this.traces = traces
    this.disk = disk
    this.#settings = settings
  }

  static async prepare(name: string, root: string, store: string, host: VirtualHost | undefined): Promise<ChaosAgent> {
    const [scripts, traces, data] = ['scripts', 'traces', 'data'].map((each) => join(root, name, each)) as [
      string,
      string,
      string,
    ]
    await writeWitnesses(scripts, traces)
    await mkdir(data)
    const disk = process.getuid?.() === 0 ? await SmallDisk.mount(data, DISK_MIB) : undefined
    const settings = {
      client_host: host?.address ?? '127.0.0.1',
      client_port: String(await freePort()),
      directory_backup: join(data, 'backup'),
      directory_restore: join(data, 'restore'),
      scripts_path: scripts,
      file_destination_root: store,
      shutdown_grace_seconds: '1',
      stage_kill_grace_seconds: '1',
    }
    const clock = await SkewedClock.create(join(root, name, 'clock'))
    return new ChaosAgent({ name, host, clock }, { traces, disk, settings })
  }

  protected override async launch(
    prefix: readonly string[],
    environment: Readonly<Record<string, string>>,
  ): Promise<AgentProcess> {
    try {
      return await startAgentProcess({ ...this.#settings, ...environment }, prefix)
    } catch (error) {
      // Whatever its disk is like, an agent starts: it may have a database to unlock.
      this.collapses.push(`${this.name} did not start: ${(error as Error).message.slice(-2000)}`)
      throw error
    }
  }
}

/** A manager that keeps its data. It may end at once while its PostgreSQL is down. */
export class ChaosManager extends Victim<ManagerProcess> {
  readonly #settings: Record<string, string>

  private constructor(place: Pick<Victim, 'name' | 'host' | 'clock'>, settings: Record<string, string>) {
    super(place.name, place.host, place.clock)
    this.#settings = settings
  }

  static async prepare(
    name: string,
    root: string,
    host: VirtualHost | undefined,
    settings: Record<string, string>,
  ): Promise<ChaosManager> {
    const clock = await SkewedClock.create(join(root, `${name}.clock`))
    const listen = { HOST: host?.address ?? '127.0.0.1', PORT: String(await freePort()) }
    return new ChaosManager({ name, host, clock }, { ...settings, ...listen })
  }

  protected override launch(
    prefix: readonly string[],
    environment: Readonly<Record<string, string>>,
  ): Promise<ManagerProcess> {
    return startManagerProcess({ ...this.#settings, ...environment }, prefix)
  }
}
