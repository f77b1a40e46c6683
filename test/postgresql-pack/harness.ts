import { createHash, randomUUID } from 'node:crypto'
import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AgentJob, manifestEnding } from '@osb-backup/protocol'
import { afterAll, beforeAll, vi } from 'vitest'
import { type AgentUnderTest, type Answer, agentForAll } from '../agent/agent-under-test.ts'
import { owner } from './databases/fixture.ts'
import { clientPrograms } from './postgres-software.ts'
import { type Login, PostgresServer, type ServerOptions, superuser } from './servers.ts'

const pack = join(import.meta.dirname, '../../script-packs/postgresql')
// Restores take seconds, but on a machine that may be busy.
const JOB_TIMEOUT_MS = 500_000
vi.setConfig({ testTimeout: 900_000, hookTimeout: 600_000 })

/** A role that is no superuser and may create databases and roles; the owner of the databases is granted to it. */
const creator: Login = { username: 'creator', password: 'creator-secret-1' }

/** The accounts that a service instance may be given with. */
export const setups = ['owner', 'owner+superuser', 'owner+creator', 'superuser'] as const
export type Setup = (typeof setups)[number]

/** The fields of a request that name the accounts. */
export function accountsOf(setup: Setup): Record<string, string> {
  const privileged = ({ username, password }: Login) => ({ backupUsername: username, backupPassword: password })
  switch (setup) {
    case 'owner':
      return { ...owner }
    case 'owner+superuser':
      return { ...owner, ...privileged(superuser) }
    case 'owner+creator':
      return { ...owner, ...privileged(creator) }
    case 'superuser':
      return { ...superuser }
  }
}

/** Creates the owner's and the creator's account on a server. */
export async function createAccounts(server: PostgresServer): Promise<void> {
  const admin = server.major >= 16 ? 'WITH ADMIN TRUE, INHERIT TRUE, SET TRUE' : ''
  await server.sql(
    'postgres',
    `CREATE ROLE ${owner.username} LOGIN PASSWORD '${owner.password}';
    CREATE ROLE ${creator.username} LOGIN CREATEDB CREATEROLE PASSWORD '${creator.password}';
    GRANT ${owner.username} TO ${creator.username} ${admin}`,
  )
}

/** What to back up or restore, and as whom. */
export interface Target {
  server: PostgresServer
  database: string
  setup: Setup
  /** The service instance's parameters. */
  parameters?: Record<string, string | number | boolean>
  /** Fields of the request that differ: another host, a wrong password. */
  changes?: Record<string, string | number>
}

/** A real agent with the pack, which moves dumps to a directory of its own. */
export class PackAgent implements AsyncDisposable {
  readonly under: AgentUnderTest
  readonly #end: () => Promise<void>

  private constructor(under: AgentUnderTest, end: () => Promise<void>) {
    this.under = under
    this.#end = end
  }

  static async start(settings: Record<string, string> = {}): Promise<PackAgent> {
    const path = `${await clientPrograms()}:${process.env.PATH}`
    const { under, end } = await agentForAll({}, { PATH: path, ...settings })
    await cp(pack, under.scripts, { recursive: true })
    return new PackAgent(under, end)
  }

  /** Asks what can be backed up. */
  items(target: Omit<Target, 'database'>): Promise<Answer> {
    const { database: _none, ...backup } = databaseOf({ ...target, database: '' })
    return this.under.call('POST', '/items', { backup })
  }

  /** Backs a database up, and waits for the end. */
  async backup(target: Target): Promise<AgentJob> {
    const id = await this.startBackup(target)
    return this.ended('backup', id)
  }

  /** Restores an object of the agent's directory, and waits for the end. */
  async restore(target: Target, filename: string): Promise<AgentJob> {
    const id = await this.startRestore(target, filename)
    return this.ended('restore', id)
  }

  /** @returns The job's id. */
  async startBackup(target: Target): Promise<string> {
    const id = `backup-${randomUUID()}`
    await this.#request('POST', '/backup', {
      ...this.#common(id),
      backup: { ...databaseOf(target), type: 'AGENT' },
    })
    return id
  }

  /** @returns The job's id. */
  async startRestore(target: Target, filename: string): Promise<string> {
    const id = `restore-${randomUUID()}`
    const common = this.#common(id)
    await this.#request('PUT', '/restore', {
      ...common,
      destination: { ...common.destination, filename, ...(await this.#rootOf(filename)) },
      restore: databaseOf(target),
    })
    return id
  }

  /** Polls a job until it is over, its cleanup included. */
  async ended(kind: 'backup' | 'restore', id: string): Promise<AgentJob> {
    const deadline = Date.now() + JOB_TIMEOUT_MS
    while (Date.now() < deadline) {
      const { status, json, text } = await this.under.call('GET', `/${kind}/${id}`)
      if (status !== 200) throw new Error(`the agent does not know ${kind} ${id}: ${status} ${text}`)
      if (json.status !== 'RUNNING') return json
      await sleep(50)
    }
    throw new Error(`${kind} ${id} did not end within ${JOB_TIMEOUT_MS} ms`)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end()
  }

  /** What a manager would have recorded: only then does the metadata of a dump reach the scripts. */
  async #rootOf(filename: string): Promise<{ root?: string }> {
    const manifest = await readFile(join(this.under.bucket, 'plan', filename + manifestEnding)).catch(() => undefined)
    return manifest === undefined ? {} : { root: createHash('sha256').update(manifest).digest('hex') }
  }

  #common(id: string) {
    const destination = { type: 'FILE', directory: this.under.bucket, filenamePrefix: 'plan/' }
    return { id, compression: false, encryption_key: 'none', destination }
  }

  async #request(method: string, path: string, body: { id: string } & Record<string, unknown>): Promise<void> {
    const { status, text } = await this.under.call(method, path, body)
    if (status >= 300) throw new Error(`the agent does not accept ${body.id}: ${status} ${text}`)
  }
}

function databaseOf({ server, database, setup, parameters = {}, changes = {} }: Target) {
  return {
    host: server.host,
    port: server.port,
    database,
    ...accountsOf(setup),
    parameters: Object.entries(parameters).map(([name, value]) => ({ [name]: value })),
    ...changes,
  }
}

/**
 * The name of the object of a backup that succeeded.
 *
 * @throws {Error} With the job's message and logs, if it did not.
 */
export function succeeded(job: AgentJob): string {
  if (job.status === 'SUCCEEDED') return job.filename ?? ''
  const logs = Object.entries(job).filter(
    ([name, value]) => name.endsWith('log') && typeof value === 'string' && value !== '',
  )
  throw new Error([`${job.status}: ${job.error_message}`, ...logs.map(([name, log]) => `${name}: ${log}`)].join('\n'))
}

/** Starts a server with the accounts before the tests of a file, and removes it after them. */
export function useServer(options: ServerOptions = {}): { readonly server: PostgresServer } {
  let started: PostgresServer | undefined
  beforeAll(async () => {
    started = await PostgresServer.start(options)
    await createAccounts(started)
  })
  afterAll(() => started?.[Symbol.asyncDispose]())
  return {
    get server() {
      if (started === undefined) throw new Error('the server did not start')
      return started
    },
  }
}

/** Starts an agent with the pack before the tests of a file, and ends it after them. */
export function useAgent(settings: Record<string, string> = {}): { readonly agent: PackAgent } {
  let started: PackAgent | undefined
  beforeAll(async () => {
    started = await PackAgent.start(settings)
  })
  afterAll(() => started?.[Symbol.asyncDispose]())
  return {
    get agent() {
      if (started === undefined) throw new Error('the agent did not start')
      return started
    },
  }
}
