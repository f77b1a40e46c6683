import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { RunKind } from '@osb-backup/core'
import type { Stage } from '@osb-backup/protocol'
import { type StageEnd, type TestedService, TestJob } from './stage-runner.ts'

const backupStages = ['pre-backup-lock', 'pre-backup-check', 'backup', 'backup-cleanup', 'post-backup-unlock'] as const
const restoreStages = ['pre-restore-lock', 'restore', 'verify', 'restore-cleanup', 'post-restore-unlock'] as const

const SHORTEST_KILL_MS = 30

/** What is tested with which service. */
export interface PackTest {
  /** The directory of the scripts. */
  directory: string
  service: TestedService
  /** What is backed up. */
  item: string
  /** What is restored into, again and again; undefined: nothing is. */
  target: string | undefined
}

/** One thing that was tried. */
export interface TestStep {
  name: string
  ok: boolean
  /** What went wrong, or what is worth knowing. */
  message?: string
}

type Report = (step: TestStep) => void

/**
 * Runs the stages of a pack of form 2 against a real service: whole, killed in each stage, and restores of dumps that are wrong. After
 * each, cleanup and unlock must succeed, also a second time, and in the end a whole run.
 *
 * @param report - Called as each step ends.
 */
export async function testPack(test: PackTest, report: Report, signal: AbortSignal): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pack-test-dumps-'))
  try {
    await new PackTester(test, report, { folder, signal }).run()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

class PackTester {
  readonly #test: PackTest
  readonly #report: Report
  readonly #dump: string
  readonly #folder: string
  readonly #signal: AbortSignal
  #metadata: string | undefined
  readonly #tookMs = new Map<Stage, number>()

  constructor(test: PackTest, report: Report, { folder, signal }: { folder: string; signal: AbortSignal }) {
    this.#test = test
    this.#report = report
    this.#folder = folder
    this.#dump = join(folder, 'dump')
    this.#signal = signal
  }

  async run(): Promise<void> {
    await this.#queries()
    if (!(await this.#backup('backup'))) return
    for (const stage of backupStages) await this.#killed('backup', stage)
    if (!(await this.#backup('backup after all that'))) return
    if (this.#test.target === undefined) return
    if (!(await this.#restore('restore', this.#dump))) return
    for (const stage of restoreStages) await this.#killed('restore', stage)
    await this.#wrong('restore of half a dump', await this.#half())
    await this.#wrong('restore of what is no dump', await this.#garbage())
    await this.#restore('restore after all that', this.#dump)
  }

  async #queries(): Promise<void> {
    const { item } = this.#test
    return this.#withJob(item, async (job) => {
      const output = join(this.#folder, 'printed')
      if (await job.has('list-items')) {
        const end = await job.run('list-items', { output })
        const items = end.status === 0 ? (await readFile(output, 'utf8')).split('\n') : []
        const missing = `it does not list ${item}`
        this.#done('list-items', end, end.status === 0 && !items.includes(item) ? missing : undefined)
      }
      if (await job.has('elect')) {
        const end = await job.run('elect', { output, kind: 'backup' })
        const printed = end.status === 0 ? await readFile(output, 'utf8') : ''
        const isPriority = /^(\d{1,2}|100)([ \t][^\n]*)?\n$/.test(printed)
        this.#done('elect', end, end.status === 0 && !isPriority ? 'it must print a line with a number' : undefined)
      }
    })
  }

  /** A whole backup, whose dump is kept. */
  async #backup(name: string): Promise<boolean> {
    return this.#withJob(this.#test.item, async (job) => {
      for (const stage of backupStages) {
        const end = await job.run(stage, stage === 'backup' ? { output: this.#dump } : {})
        this.#tookMs.set(stage, end.tookMs)
        if (end.status !== 0) return await this.#failed(job, name, stage, end)
      }
      this.#metadata = await job.readMetadata()
      const { size } = await stat(this.#dump)
      return await this.#passed(job, name, size === 0 ? 'the dump is empty' : undefined)
    })
  }

  async #restore(name: string, dump: string): Promise<boolean> {
    return this.#withJob(this.#target, async (job) => {
      await job.writeMetadata(this.#metadata)
      for (const stage of restoreStages) {
        const end = await job.run(stage, stage === 'restore' ? { input: dump } : {})
        this.#tookMs.set(stage, end.tookMs)
        if (end.status !== 0) return await this.#failed(job, name, stage, end)
      }
      return await this.#passed(job, name, undefined)
    })
  }

  /** A job whose processes are killed in the middle of a stage, as by a crash; then what always runs, twice. */
  async #killed(kind: RunKind, killed: Stage): Promise<void> {
    const stages: readonly Stage[] = kind === 'backup' ? backupStages : restoreStages
    return this.#withJob(kind === 'backup' ? this.#test.item : this.#target, async (job) => {
      if (!(await job.has(killed))) return
      const name = `${kind} killed in ${killed}`
      if (kind === 'restore') await job.writeMetadata(this.#metadata)
      const started = stages.slice(0, stages.indexOf(killed) + 1)
      for (const stage of started) {
        const killAfterMs = Math.max(SHORTEST_KILL_MS, (this.#tookMs.get(stage) ?? 0) / 2)
        const end = await job.run(stage, {
          ...(stage === 'restore' ? { input: this.#dump } : {}),
          ...(stage === 'backup' ? { output: join(this.#folder, 'killed') } : {}),
          ...(stage === killed ? { killAfterMs } : {}),
        })
        if (stage !== killed && end.status !== 0) {
          await this.#failed(job, name, stage, end)
          return
        }
      }
      await job.loseLock()
      await this.#finish(job, kind, { name, started })
    })
  }

  /** Cleanup and unlock as after a crash, each twice: an agent repeats what was interrupted. */
  async #finish(
    job: TestJob,
    kind: RunKind,
    { name, started }: { name: string; started: readonly Stage[] },
  ): Promise<void> {
    const [cleanup, unlock] =
      kind === 'backup'
        ? (['backup-cleanup', 'post-backup-unlock'] as const)
        : (['restore-cleanup', 'post-restore-unlock'] as const)
    const always = started.includes(kind) ? [cleanup, unlock] : [unlock]
    for (const stage of [...always, ...always]) {
      const end = await job.run(stage)
      if (end.status !== 0) {
        this.#report({ name, ok: false, message: `${stage} ${described(end)}` })
        return
      }
    }
    await this.#passed(job, name, undefined)
  }

  /** A restore that must not succeed. */
  async #wrong(name: string, dump: string): Promise<void> {
    return this.#withJob(this.#target, async (job) => {
      await job.writeMetadata(this.#metadata)
      for (const stage of ['pre-restore-lock', 'restore', 'verify'] as const) {
        const end = await job.run(stage, stage === 'restore' ? { input: dump } : {})
        if (end.status === 0) continue
        await this.#finish(job, 'restore', { name: `${name} is noticed, and cleaned up`, started: restoreStages })
        return
      }
      const message = 'neither restore nor verify failed: look for the end of the dump, and compare what was restored'
      this.#report({ name: `${name} is noticed`, ok: false, message })
      await this.#finish(job, 'restore', { name: `cleanup after the ${name}`, started: restoreStages })
    })
  }

  async #half(): Promise<string> {
    const path = join(this.#folder, 'half')
    const { size } = await stat(this.#dump)
    const end = Math.max(0, Math.floor(size / 2) - 1)
    await pipeline(createReadStream(this.#dump, { end }), createWriteStream(path), { signal: this.#signal })
    return path
  }

  async #garbage(): Promise<string> {
    const path = join(this.#folder, 'garbage')
    await writeFile(path, 'This is no dump.\n'.repeat(1000))
    return path
  }

  get #target(): string {
    return this.#test.target ?? this.#test.item
  }

  async #withJob<T>(database: string, use: (job: TestJob) => Promise<T>): Promise<T> {
    const job = await TestJob.begin(this.#test.directory, this.#test.service, database, this.#signal)
    try {
      return await use(job)
    } finally {
      await job[Symbol.asyncDispose]()
    }
  }

  #done(name: string, end: StageEnd, problem: string | undefined): void {
    const message = end.status === 0 ? problem : described(end)
    this.#report({ name, ok: message === undefined, ...(message === undefined ? {} : { message }) })
  }

  async #failed(job: TestJob, name: string, stage: Stage, end: StageEnd): Promise<false> {
    this.#report({ name, ok: false, message: `${stage} ${described(end)}` })
    const stages: readonly Stage[] = backupStages.some((each) => each === stage) ? backupStages : restoreStages
    const kind = stages === backupStages ? 'backup' : 'restore'
    const started = stages.slice(0, stages.indexOf(stage) + 1)
    await this.#finish(job, kind, { name: `${name}: cleaned up after the failure`, started })
    return false
  }

  async #passed(job: TestJob, name: string, problem: string | undefined): Promise<boolean> {
    const left = await job.leftovers()
    const files = left.length === 0 ? undefined : `files were left in TMPDIR: ${left.slice(0, 5).join(', ')}`
    const message = problem ?? files
    this.#report({ name, ok: message === undefined, ...(message === undefined ? {} : { message }) })
    return message === undefined
  }
}

function described({ status, message }: StageEnd): string {
  const how = status === undefined ? 'did not end' : `exited with ${status}`
  return message === '' ? how : `${how}: ${message}`
}
