import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Agent, readSettings, startAgent } from '@osb-backup/agent'
import type { AgentJob } from '@osb-backup/protocol'
import { isManifestName } from '@osb-backup/storage'
import { onTestFinished, type TestContext } from 'vitest'
import { killProcessesBelow } from './kill-processes.ts'

/** A limit for a busy machine; what passes never reaches it. */
const WAIT_MS = 180_000

export const credentials = { username: 'agent', password: 'agent-secret-1' }
export const basic = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

/** An agent over HTTP, with directories of its own that go with the test. */
export interface AgentUnderTest {
  agent: Agent
  root: string
  scripts: string
  /** Where destinations of type FILE point to. */
  bucket: string
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** Polls a job until it is over. */
  over(kind: 'backup' | 'restore', id: string): Promise<AgentJob>
  /** Names of the objects in the bucket, prefixes included; their manifests are left out, but must exist. */
  objects(): Promise<string[]>
  read(path: string): Promise<string>
}

export interface Answer {
  status: number
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  json: any
}

/**
 * Starts an agent whose scripts are the given texts, by their file names. It ends with the test.
 *
 * @param atEnd - The one of the test's context, in tests that run at the same time as others.
 */
export async function agentWith(
  scripts: Record<string, string>,
  settings: Record<string, string> = {},
  atEnd: TestContext['onTestFinished'] = onTestFinished,
): Promise<AgentUnderTest> {
  const { under, end } = await agentForAll(scripts, settings)
  atEnd(end)
  return under
}

/** As `agentWith`, for an agent that outlives a test: the caller ends it. */
export async function agentForAll(
  scripts: Record<string, string>,
  settings: Record<string, string> = {},
): Promise<{ under: AgentUnderTest; end(): Promise<void> }> {
  const root = await mkdtemp(join(tmpdir(), 'agent-test-'))
  const paths = { scripts: join(root, 'scripts'), bucket: join(root, 'bucket') }
  await Promise.all(Object.values(paths).map((path) => mkdir(path)))
  await Promise.all(Object.entries(scripts).map(([name, text]) => writeFile(join(paths.scripts, name), text)))
  const removeRoot = async () => {
    await chmod(root, 0o700)
    await killProcessesBelow(root)
    await rm(root, { recursive: true, force: true, maxRetries: 5 })
  }
  // Settings that are not valid are thrown, not rejected.
  const start = async () =>
    startAgent(
      readSettings({
        client_username: credentials.username,
        client_password: credentials.password,
        client_host: '127.0.0.1',
        client_port: '0',
        directory_backup: join(root, 'backups'),
        directory_restore: join(root, 'restores'),
        state_directory: join(root, 'state'),
        shutdown_grace_seconds: '0',
        min_free_disk_mib: '0',
        scripts_path: paths.scripts,
        file_destination_root: root,
        stage_kill_grace_seconds: '1',
        unlock_wait_seconds: '0',
        log_level: 'silent',
        PATH: process.env.PATH,
        ...settings,
      }),
    )
  const agent = await start().catch(async (error: unknown) => {
    await removeRoot()
    throw error
  })
  const end = async () => {
    await agent.stop()
    await removeRoot()
  }
  const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
    send(agent.url + path, method, body, headers)
  const under: AgentUnderTest = {
    agent,
    root,
    ...paths,
    call,
    over: (kind, id) => untilOver(() => call('GET', `/${kind}/${encodeURIComponent(id)}`)),
    objects: () => objectsUnder(paths.bucket),
    read: (path) => readFile(join(root, path), 'utf8'),
  }
  return { under, end }
}

async function send(url: string, method: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { authorization: basic(credentials.username, credentials.password), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, text, json: text.startsWith('{') ? JSON.parse(text) : undefined }
}

async function untilOver(ask: () => Promise<Answer>): Promise<AgentJob> {
  const deadline = Date.now() + WAIT_MS
  while (Date.now() < deadline) {
    const { status, json } = await ask()
    if (status === 200 && json.status !== 'RUNNING') return json
    if (status !== 200) throw new Error(`the job is not registered: ${status}`)
    await sleep(20)
  }
  throw new Error(`the job did not end within ${WAIT_MS / 1000} s`)
}

async function objectsUnder(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .toSorted()
  const objects = files.filter((name) => !isManifestName(name))
  if (files.length !== objects.length * 2) throw new Error(`objects and manifests do not match: ${files.join(', ')}`)
  return objects
}

/** Waits until something is true. */
export async function until(
  isTrue: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = WAIT_MS,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`did not happen: ${what}`)
    await sleep(20)
  }
}

/** Today as names of dumps have it. */
export const today = (): string => new Date().toISOString().slice(0, 10).replaceAll('-', '_')

/** A backup request with a FILE destination in the agent's bucket. */
export function backupBody(under: AgentUnderTest, id: string, changes: Record<string, unknown> = {}) {
  return {
    id,
    compression: false,
    encryption_key: 'none',
    destination: { type: 'FILE', directory: under.bucket, filenamePrefix: 'plan/' },
    backup: { host: 'db-host', port: 5432, username: 'dba', password: 'db-password-1', database: 'db1', type: 'AGENT' },
    ...changes,
  }
}

/** A restore request for a file of the agent's bucket. */
export function restoreBody(
  under: AgentUnderTest,
  id: string,
  source: { filename: string; sha256?: string; size?: number; root?: string },
  changes: Record<string, unknown> = {},
) {
  return {
    id,
    compression: false,
    encryption_key: 'none',
    destination: { type: 'FILE', directory: under.bucket, filenamePrefix: 'plan/', ...source },
    restore: { host: 'db-host', username: 'dba', password: 'db-password-1', database: 'db1' },
    ...changes,
  }
}

/** A request for another database: an agent runs one job at a time on each. */
export function ofDatabase<Body extends { backup?: unknown; restore?: unknown }>(body: Body, database: string): Body {
  const kind = body.backup === undefined ? 'restore' : 'backup'
  return { ...body, [kind]: { ...(body[kind] as object), database } }
}

const note = 'echo "$(basename "$0") $*" >> "$(dirname "$0")/../stages"\n'

/** Scripts of form 1 for every stage; each notes its name and arguments in `stages`, and may have more to do. */
export function formOne(more: Record<string, string> = {}): Record<string, string> {
  const stages = {
    'pre-backup-lock': '',
    'pre-backup-check': '',
    backup: 'printf dump > "$BACKUP_DIRECTORY/$5.tar.gz"\n',
    'backup-cleanup': 'rm -rf "$BACKUP_DIRECTORY"\n',
    'post-backup-unlock': '',
    'pre-restore-lock': '',
    restore: 'cat "$BACKUP_DIRECTORY/$5" > "$(dirname "$0")/../restored"\n',
    'restore-cleanup': 'rm -rf "$BACKUP_DIRECTORY"\n',
    'post-restore-unlock': '',
    ...more,
  }
  // As the published contract has it, the directory of the job is for the script to create.
  const create = (name: string) => (name === 'backup' ? 'mkdir -p "$BACKUP_DIRECTORY"\n' : '')
  return Object.fromEntries(Object.entries(stages).map(([name, text]) => [name, note + create(name) + text]))
}

/** A pack of form 2 whose dump is what `backup` prints; each script notes its name in `stages`. */
export function formTwo(more: Record<string, string> = {}): Record<string, string> {
  const stages = {
    'pre-backup-lock': '',
    backup: 'printf dump\n',
    'backup-cleanup': '',
    'post-backup-unlock': '',
    'pre-restore-lock': '',
    restore: 'cat > "$(dirname "$0")/../restored"\n',
    'restore-cleanup': '',
    'post-restore-unlock': '',
    ...more,
  }
  return {
    'pack.json': '{"form":2,"name":"test","type":".dump"}',
    ...Object.fromEntries(Object.entries(stages).map(([name, text]) => [name, note + text])),
  }
}

/** The stages that ran, in their order, without arguments. */
export async function stagesRun(under: AgentUnderTest): Promise<string[]> {
  const lines = await under.read('stages').catch(() => '')
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' ')[0] ?? '')
}
