import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AgentJob } from '@osb-backup/protocol'
import { type AgentProcess, startAgentProcess } from '@osb-backup/testkit'
import { onTestFinished, type TestContext } from 'vitest'
import { type Answer, basic, formTwo, until } from './agent-under-test.ts'
import { killProcessesBelow } from './kill-processes.ts'

/** An agent in a process of its own that can be killed and started again over the same directories. */
export class CrashingAgent {
  readonly root: string
  readonly #settings: Record<string, string>
  #process: AgentProcess | undefined

  private constructor(root: string, settings: Record<string, string>) {
    this.root = root
    this.#settings = {
      directory_backup: join(root, 'backups'),
      directory_restore: join(root, 'restores'),
      scripts_path: join(root, 'scripts'),
      file_destination_root: join(root, 'bucket'),
      stage_kill_grace_seconds: '1',
      shutdown_grace_seconds: '0',
      ...settings,
    }
  }

  /**
   * Makes the directories, and the scripts by their file names; starts nothing yet.
   *
   * @param atEnd - The one of the test's context, in tests that run at the same time as others.
   */
  static async prepare(
    scripts: Record<string, string>,
    settings: Record<string, string> = {},
    atEnd: TestContext['onTestFinished'] = onTestFinished,
  ): Promise<CrashingAgent> {
    const root = await mkdtemp(join(tmpdir(), 'agent-crash-'))
    for (const folder of ['scripts', 'bucket']) await mkdir(join(root, folder))
    for (const [name, text] of Object.entries(scripts)) await writeFile(join(root, 'scripts', name), text)
    const agent = new CrashingAgent(root, settings)
    atEnd(async () => {
      await agent.#process?.kill()
      await killProcessesBelow(root)
      await rm(root, { recursive: true, force: true, maxRetries: 5 })
    })
    return agent
  }

  get running(): AgentProcess {
    if (this.#process === undefined) throw new Error('the agent does not run')
    return this.#process
  }

  get bucket(): string {
    return join(this.root, 'bucket')
  }

  get state(): string {
    return join(this.root, 'backups', '.state')
  }

  /** @param prefix - A program that executes the agent. */
  async start(changes: Record<string, string> = {}, prefix: readonly string[] = []): Promise<void> {
    this.#process = await startAgentProcess({ ...this.#settings, ...changes }, prefix)
  }

  /** Ends the agent as a crash would; what it printed comes back. */
  async kill(): Promise<string> {
    const { running } = this
    await running.kill()
    this.#process = undefined
    return running.output()
  }

  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const { url, username, password } = this.running
    const response = await fetch(url + path, {
      method,
      headers: { authorization: basic(username, password) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, text, json: text.startsWith('{') ? JSON.parse(text) : undefined }
  }

  /** Waits until a job is over. */
  async over(kind: 'backup' | 'restore', id: string, timeoutMs?: number): Promise<AgentJob> {
    let job: AgentJob | undefined
    await until(
      async () => {
        const { status, json } = await this.call('GET', `/${kind}/${id}`)
        if (status !== 200) throw new Error(`the job is not registered: ${status}`)
        job = json
        return json.status !== 'RUNNING'
      },
      'the job is over',
      timeoutMs,
    )
    if (job === undefined) throw new Error('there is no job')
    return job
  }

  /** A file of the test's folder; empty if it is not there. */
  async read(name: string): Promise<string> {
    return readFile(join(this.root, name), 'utf8').catch(() => '')
  }

  async has(name: string): Promise<boolean> {
    return stat(join(this.root, name)).then(
      () => true,
      () => false,
    )
  }

  /** Names of the journal's files of jobs. */
  async journalFiles(): Promise<string[]> {
    return (await readdir(this.state)).filter((name) => /^(backup|restore)-.*\.json$/.test(name))
  }

  /** Changes a file of the journal, while no agent runs, and returns what is in it. */
  async rewrite(name: string, change: (text: string) => string): Promise<string> {
    const path = join(this.state, name)
    const before = await readFile(path, 'utf8')
    if (change(before) !== before) await writeFile(path, change(before))
    return change(before)
  }

  /** How often scripts wrote a line. */
  async count(line: string): Promise<number> {
    return (await this.read('runs')).split('\n').filter((each) => each === line).length
  }

  /** The files below a folder, hidden ones too, but nothing of the journal. */
  async files(folder: string): Promise<string[]> {
    const entries = await readdir(join(this.root, folder), { recursive: true, withFileTypes: true }).catch(() => [])
    return entries
      .filter((entry) => !entry.isDirectory() && !entry.parentPath.startsWith(this.state))
      .map((entry) => join(entry.parentPath, entry.name).slice(this.root.length + 1))
      .toSorted()
  }
}

const top = '$(dirname "$0")/..'

/**
 * The text of a script that notes its begin and its end in `runs`, and, the first time only, holds in between: it
 * writes its process id to `held` and waits for `release`.
 */
export function notedScript(stage: string, body: string, isHeld: boolean): string {
  const hold = `if [ ! -e "${top}/release" ]; then
  sleep 1000 & echo $! > "${top}/held.child"
  echo $$ > "${top}/held.tmp"; mv "${top}/held.tmp" "${top}/held"
  while [ ! -e "${top}/release" ]; do sleep 0.02; done
fi
`
  const note = (what: string) => `echo "${what} ${stage}" >> "${top}/runs"\n`
  return `set -e\n${note('begin')}${body}${isHeld ? hold : ''}${note('end')}`
}

/** Whether a process is there and not dead already. */
export const isAlive = (pid: number): Promise<boolean> =>
  readFile(`/proc/${pid}/stat`, 'utf8').then(
    (text) => !/\) [ZX] /.test(text),
    () => false,
  )

/** Waits for processes to exit: a signal takes a moment. */
export async function untilDead(pids: readonly number[]): Promise<void> {
  for (const pid of pids) await until(async () => !(await isAlive(pid)), `process ${pid} has exited`)
  await sleep(0)
}

/** The database's password in every request. */
export const password = 'db-password-of-the-crash-test'

const bodies = {
  1: {
    backup: 'mkdir -p "$BACKUP_DIRECTORY"; head -c 3000000 /dev/zero > "$BACKUP_DIRECTORY/$5.bin"\n',
    restore: 'cat "$BACKUP_DIRECTORY/$5" > /dev/null\n',
  },
  2: { backup: 'head -c 3000000 /dev/zero\n', restore: 'head -c 1000 > /dev/null\n' },
} as const

/** The scripts of each kind of run, in their order. */
export const stages = {
  backup: ['pre-backup-lock', 'pre-backup-check', 'backup', 'backup-cleanup', 'post-backup-unlock'],
  restore: ['pre-restore-lock', 'restore', 'restore-cleanup', 'post-restore-unlock'],
} as const
export type Kind = keyof typeof stages

/** Noted scripts of a form for both kinds, of which one holds. The unlocks also record the password they were given. */
export function scriptsOf(form: 1 | 2, held: string): Record<string, string> {
  const names = [...stages.backup, ...stages.restore]
  const scripts = names.map((stage): [string, string] => {
    const body = stage === 'backup' || stage === 'restore' ? bodies[form][stage] : ''
    const told = stage.endsWith('unlock') ? 'echo "$BACKUP_PASSWORD" > "$(dirname "$0")/../told"\n' : ''
    return [stage, notedScript(stage, told + body, stage === held)]
  })
  return {
    ...Object.fromEntries(scripts),
    ...(form === 2 ? { 'pack.json': '{"form":2,"name":"t","type":".bin"}' } : {}),
  }
}

/** A request for a job, against the agent's bucket. */
export function requestFor(kind: Kind, agent: CrashingAgent, id: string) {
  const database = { host: 'db-host', username: 'dba', password, database: 'db1' }
  const destination = { type: 'FILE', directory: agent.bucket, filenamePrefix: 'plan/' }
  return kind === 'backup'
    ? { id, encryption_key: 'none', destination, backup: database }
    : { id, encryption_key: 'none', destination: { ...destination, filename: 'dump.bin' }, restore: database }
}

/** Asks for a job. */
export const send = (kind: Kind, agent: CrashingAgent, id: string) =>
  kind === 'backup'
    ? agent.call('POST', '/backup', requestFor(kind, agent, id))
    : agent.call('PUT', '/restore', requestFor(kind, agent, id))

/** Puts a file into the bucket that restores ask for. */
export async function putDump(agent: CrashingAgent): Promise<void> {
  await mkdir(join(agent.bucket, 'plan'), { recursive: true })
  await writeFile(join(agent.bucket, 'plan', 'dump.bin'), 'x'.repeat(100_000))
}

/** A lock that one script acquires and another releases, unless the file `broken` exists. */
export const locking = formTwo({
  'pre-backup-lock': `touch "$(dirname "$0")/../locked.$BACKUP_DATABASE"\n`,
  'post-backup-unlock': `echo "$BACKUP_PASSWORD" > "$(dirname "$0")/../told"\n[ ! -e "$(dirname "$0")/../broken" ] || exit 4\nrm -f "$(dirname "$0")/../locked.$BACKUP_DATABASE"\n`,
})
