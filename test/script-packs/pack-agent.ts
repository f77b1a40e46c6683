import { spawnSync } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AgentJob, manifestEnding } from '@osb-backup/protocol'
import { expect } from 'vitest'
import { type AgentUnderTest, agentForAll, until } from '../agent/agent-under-test.ts'

const packs = join(import.meta.dirname, '../../script-packs')

/** An account of a server. */
export interface Login {
  username: string
  password: string
}

/** What to back up or restore, and as whom. */
export interface Target {
  host?: string
  port?: number
  database: string
  login?: Login
  parameters?: Record<string, unknown>
}

const nobody: Login = { username: 'nobody', password: 'nobody-secret-1' }

function access({ host = '127.0.0.1', port, database, login = nobody, parameters = {} }: Target) {
  return { host, ...(port === undefined ? {} : { port }), database, ...login, parameters: [parameters] }
}

/** A real agent with a copy of one pack, which moves dumps to a directory of its own. */
export class PackAgent implements AsyncDisposable {
  readonly under: AgentUnderTest
  readonly #end: () => Promise<void>

  private constructor(under: AgentUnderTest, end: () => Promise<void>) {
    this.under = under
    this.#end = end
  }

  static async start(pack: string, settings: Record<string, string> = {}): Promise<PackAgent> {
    const { under, end } = await agentForAll({}, settings)
    await cp(join(packs, pack), under.scripts, { recursive: true })
    return new PackAgent(under, end)
  }

  async backup(target: Target): Promise<AgentJob> {
    return this.under.over('backup', await this.startBackup(target))
  }

  async restore(target: Target, filename: string): Promise<AgentJob> {
    return this.under.over('restore', await this.startRestore(target, filename))
  }

  /** @returns The job's id. */
  async startBackup(target: Target): Promise<string> {
    const id = `b${randomUUID()}`
    const body = { ...this.#common(id), object_name: id, backup: { ...access(target), type: 'AGENT' } }
    const { status, text } = await this.under.call('POST', '/backup', body)
    expect([status, text]).toEqual([201, ''])
    return id
  }

  /** @returns The job's id. */
  async startRestore(target: Target, filename: string): Promise<string> {
    const id = `r${randomUUID()}`
    const { destination, ...body } = this.#common(id)
    const path = join(this.under.bucket, 'plan', filename + manifestEnding)
    const manifest = await readFile(path).catch(() => undefined)
    // What a manager would have recorded: only then does the metadata of a dump reach the scripts.
    const recorded = manifest === undefined ? {} : { root: createHash('sha256').update(manifest).digest('hex') }
    const request = { ...body, destination: { ...destination, filename, ...recorded }, restore: access(target) }
    const { status, text } = await this.under.call('PUT', '/restore', request)
    expect([status, text]).toEqual([201, ''])
    return id
  }

  /** Cancels a job, and waits until its cleanup has ended. */
  async cancel(kind: 'backup' | 'restore', id: string): Promise<AgentJob> {
    await this.under.call('DELETE', `/${kind}`, { id, keep_result: true })
    return this.under.over(kind, id)
  }

  // biome-ignore lint/suspicious/noExplicitAny: a list, or an error
  async items(target: Target): Promise<any> {
    return (await this.under.call('POST', '/items', { backup: access(target) })).json
  }

  /** The stored object of a job. */
  objectOf(filename: string): string {
    return join(this.under.bucket, 'plan', filename)
  }

  /** Puts a dump of our own where the agent finds it. */
  async forge(content: string | Uint8Array, type: string): Promise<string> {
    const filename = `forged-${randomUUID()}${type}`
    await mkdir(join(this.under.bucket, 'plan'), { recursive: true })
    await writeFile(this.objectOf(filename), content)
    return filename
  }

  /** Changes a script of the pack until the function has ended. */
  async withScript(file: string, change: (script: string) => string, act: () => Promise<void>): Promise<void> {
    const path = join(this.under.scripts, file)
    const script = await readFile(path, 'utf8')
    const changed = change(script)
    expect(changed).not.toBe(script)
    await writeFile(path, changed)
    try {
      await act()
    } finally {
      await writeFile(path, script)
    }
  }

  /** Starts a restore whose script waits for ever before the given line, acts, and cancels it. */
  async cancelRestoreAt(
    { target, filename, line }: { target: Target; filename: string; line: string },
    act: () => Promise<void> = async () => undefined,
  ): Promise<AgentJob> {
    const reached = join(this.under.root, `reached-${randomUUID()}`)
    let job: AgentJob | undefined
    const pause = (script: string) => script.replace(line, () => `touch "${reached}"; sleep 1000\n${line}`)
    await this.withScript('restore.sh', pause, async () => {
      const id = await this.startRestore(target, filename)
      await until(() => isThere(reached), `the restore reaches ${line}`)
      await act()
      job = await this.cancel('restore', id)
    })
    return job as AgentJob
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end()
  }

  #common(id: string) {
    const destination = { type: 'FILE', directory: this.under.bucket, filenamePrefix: 'plan/' }
    return { id, compression: false, encryption_key: 'none', destination }
  }
}

const isThere = (path: string) =>
  readFile(path).then(
    () => true,
    () => false,
  )

/** The object of a job that succeeded. */
export function fileOf(job: AgentJob): string {
  const logs = Object.entries(job).filter(([name, value]) => name.endsWith('log') && value !== '')
  expect(job.status, JSON.stringify([job.error_message, logs], undefined, 1)).toBe('SUCCEEDED')
  return job.filename ?? ''
}

/** Programs in front of those of the machine, which note with what arguments they are run. */
export class RecordedPrograms implements AsyncDisposable {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  static async create(...names: string[]): Promise<RecordedPrograms> {
    const folder = await mkdtemp(join(tmpdir(), 'recorded-programs-'))
    const path = `${process.env.PATH}:/usr/sbin`
    for (const name of names) {
      const { stdout: real } = spawnSync('which', [name], { encoding: 'utf8', env: { PATH: path } })
      const script = `#!/bin/bash\nprintf '%s\\n' "$0 $*" >>"${folder}/arguments"\nexec ${real.trim()} "$@"\n`
      await writeFile(join(folder, name), script, { mode: 0o755 })
    }
    return new RecordedPrograms(folder)
  }

  /** The arguments so far, a line for each start of a program. */
  arguments(): Promise<string> {
    return readFile(join(this.folder, 'arguments'), 'utf8')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** The arguments of every process on the machine. */
export const processArguments = (): string => spawnSync('ps', ['axww', '-o', 'args'], { encoding: 'utf8' }).stdout
