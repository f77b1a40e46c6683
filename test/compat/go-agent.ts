import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readdir, stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { openStore, type StoreSettings, stores } from '@osb-backup/storage'
import { type Body, type Database, goArguments, runGoScript } from './go-scripts.ts'
import {
  encodeGo,
  encodeJob,
  type GoBranch,
  type GoJob,
  goFilename,
  goTimestamp,
  type Kind,
  missingFields,
  stages,
  zeroJob,
} from './go-wire.ts'

export interface GoAgentOptions {
  branch: GoBranch
  /** Its scripts, and the directories `backup` and `restore`. */
  folder: string
  maxJobs?: number
}

/**
 * A stand-in for the Go agent, which cannot be built here: it does what the source of `webclient`, `backup`, `restore`,
 * `shell`, `jobs` and `utils` does at the same moments, mistakes included, and runs the scripts. What is not from its source:
 * the texts of errors that its store libraries give.
 */
export class GoAgent implements AsyncDisposable {
  readonly #options: GoAgentOptions
  readonly #server = createServer((request, response) => void this.#answer(request, response))
  readonly #jobs: Record<Kind, Map<string, GoJob>> = { backup: new Map(), restore: new Map() }
  readonly username = 'agent'
  readonly password = 'agent-secret'
  #running = 0
  /** Backups and restores together. */
  maxJobs: number
  /** What it was asked for, in order: `POST /backup`. */
  readonly requests: string[] = []
  /** The bodies of the requests that started jobs. */
  readonly bodies: Body[] = []

  constructor(options: GoAgentOptions) {
    this.#options = options
    this.maxJobs = options.maxJobs ?? 10
  }

  async start(): Promise<this> {
    await Promise.all(['backup', 'restore'].map((name) => mkdir(join(this.#options.folder, name), { recursive: true })))
    this.#server.listen(0, '127.0.0.1')
    await new Promise((resolve) => this.#server.once('listening', resolve))
    return this
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** As after a restart: jobs are in memory only. */
  forgetJobs(): void {
    for (const jobs of Object.values(this.#jobs)) jobs.clear()
    this.#running = 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const sent = await text(request)
    const { method = '', url = '' } = request
    this.requests.push(`${method} ${url}`)
    const send = (status: number, body = '') =>
      response.writeHead(status, body === '' ? {} : { 'content-type': 'application/json' }).end(body)
    const expected = `Basic ${Buffer.from(`${this.username}:${this.password}`).toString('base64')}`
    if (request.headers.authorization !== expected) return void send(401, encodeGo({ message: 'Unauthorised.' }))
    if (url === '/status') return void send(200, encodeGo({ message: 'Client is running' }))
    const [, kind = '', id] = url.split('/')
    if (kind !== 'backup' && kind !== 'restore') return void send(404, '404 page not found\n')
    if (method === 'GET') {
      const job = this.#jobs[kind].get(decodeURIComponent(id ?? ''))
      return void (job === undefined ? send(404) : send(200, encodeJob(kind, this.#options.branch, job)))
    }
    const body = JSON.parse(sent) as Body
    if (method === 'DELETE') return void send(this.#jobs[kind].delete(body.id ?? '') ? 200 : 410)
    this.#start(kind, body, send)
  }

  #start(kind: Kind, body: Body, send: (status: number, body?: string) => unknown): void {
    const { branch } = this.#options
    const { id = '' } = body
    const known = this.#jobs[kind].get(id)
    if (known !== undefined) return void send(409, encodeJob(kind, branch, known))
    const what = kind === 'backup' ? 'Backup' : 'Restore'
    const type = body.destination?.type ?? ''
    if (type !== 'S3' && type !== 'SWIFT') {
      // A restore's answer, for backups too.
      const job = failure(`${what} failed.`, `${what} failed during body deserialization due to 'type not supported'`)
      return void send(400, encodeJob('restore', branch, job))
    }
    const missing = missingFields(kind, branch, body as Record<string, unknown>)
    if (missing !== '') {
      const job = failure(`${what} failed.`, `body is missing essential fields:${missing}`)
      this.#jobs[kind].set(id, job)
      return void send(400, encodeJob(kind, branch, job))
    }
    if (this.#running >= this.maxJobs) {
      const message = 'Failed to start a new job.'
      const reason = 'Spawing a new job would break the allowed running job limit.'
      return void send(429, encodeGo({ message, state: 'Job reservation', error_message: reason }))
    }
    this.#running++
    const job = zeroJob('Running')
    this.#jobs[kind].set(id, job)
    this.bodies.push(body)
    send(201)
    setImmediate(() => void this.#run(kind, body, job))
  }

  async #run(kind: Kind, body: Body, job: GoJob): Promise<void> {
    const { destination = {} } = body
    const startedAt = new Date()
    Object.assign(job, {
      message: `${kind} is running`,
      type: destination.type,
      compression: body.compression ?? false,
      status: 'RUNNING',
      start_time: goTimestamp(startedAt),
    })
    if (kind === 'backup') {
      const { bucket = '', region = '', endpoint = '', authUrl = '', domain = '' } = destination
      const { container_name = '', project_name = '', filenamePrefix = '' } = destination
      const described = { bucket, region, endpoint, authUrl, domain, container_name, project_name, filenamePrefix }
      Object.assign(job, described, { skipSSL: destination.skipSSL === true })
    }
    const error = await (kind === 'backup' ? this.#backUp(body, job) : this.#restore(body, job))
    Object.assign(job, {
      execution_time_ms: Date.now() - startedAt.getTime(),
      end_time: goTimestamp(new Date()),
      state: 'finished',
    })
    if (error === undefined) {
      Object.assign(job, { status: 'SUCCEEDED', message: `${kind} successfully carried out` })
    } else {
      const what = kind === 'backup' ? 'Backup' : 'Restore'
      Object.assign(job, {
        status: 'FAILED',
        message: `${kind} failed`,
        error_message: `${what} failed due to '${error}'`,
      })
    }
    this.#running--
  }

  /** @returns Why it failed. A failing script of another stage than `backup` is no failure. */
  async #backUp(body: Body, job: GoJob): Promise<string | undefined> {
    const { id = '', backup } = body
    if (backup === undefined) return 'Unknown error'
    const { host, database } = backup
    for (const stage of stages.backup) {
      const filename = goFilename(new Date(), host, database)
      const all = goArguments(body, backup, filename)
      const given = stage === 'backup' ? all : stage === 'backup-cleanup' ? [database, id] : [database]
      const end = await this.#script(stage, given, backup, job)
      if (end.missing) return end.problem
      if (stage !== 'backup') continue
      if (end.problem !== undefined) return `Executing the shell script failed due to '${end.problem}'`
      const problem = await this.#upload(body, job)
      if (problem !== undefined) return `Uploading to ${body.destination?.type} failed due to '${problem}'`
    }
    return undefined
  }

  async #upload({ id = '', destination = {} }: Body, job: GoJob): Promise<string | undefined> {
    const directory = join(this.#options.folder, 'backup', id)
    const [filename] = (await readdir(directory).catch(() => [])).toSorted()
    if (filename === undefined) {
      job.filesize = { size: 0, unit: 'byte' }
      return `Getting path to backup file failed due to 'open ${directory}: no such file or directory'`
    }
    const { size } = await stat(join(directory, filename))
    let problem: string | undefined
    try {
      const store = openStore(this.#storeOf(destination))
      await store.put(this.#keyOf(destination, filename), createReadStream(join(directory, filename)))
    } catch (error) {
      problem = `Failed to upload to S3 due to '${error instanceof Error ? error.message : error}'`
    }
    // Only now, and also if the upload failed.
    Object.assign(job, { filename, filesize: { size, unit: 'byte' } })
    return problem
  }

  async #restore(body: Body, job: GoJob): Promise<string | undefined> {
    const { id = '', restore, destination = {} } = body
    if (restore === undefined) return 'Unknown error'
    const filename = destination.filename ?? ''
    for (const stage of stages.restore) {
      if (stage === 'restore') {
        job.state = stage
        const problem = await this.#download(destination, join(this.#options.folder, 'restore', id, filename), filename)
        if (problem !== undefined) return `Downloading from ${destination.type} failed due to '${problem}'`
      }
      const all = goArguments(body, restore, filename)
      const given = stage === 'restore' ? all : stage === 'post-restore-unlock' ? [] : [id]
      const end = await this.#script(stage, given, restore, job)
      if (end.missing) return end.problem
    }
    return undefined
  }

  async #download(destination: NonNullable<Body['destination']>, path: string, filename: string) {
    try {
      const store = openStore(this.#storeOf(destination))
      await pipeline(await store.get(this.#keyOf(destination, filename)), createWriteStream(path))
      return undefined
    } catch (error) {
      return `Failed to download from S3 due to '${error instanceof Error ? error.message : error}'`
    }
  }

  /** Both branches ignore the prefix with Swift, and master ignores it with S3 too. */
  #keyOf({ type, filenamePrefix = '' }: NonNullable<Body['destination']>, filename: string): string {
    return type === 'S3' && this.#options.branch === 'develop' ? filenamePrefix + filename : filename
  }

  #storeOf(destination: NonNullable<Body['destination']>): StoreSettings {
    const { endpoint = '', skipSSL = false, type = '' } = destination
    if (/^https?:/.test(endpoint) && skipSSL !== endpoint.startsWith('http:')) {
      throw new Error('skipSSL contradicts the scheme of the endpoint')
    }
    return stores.kindOfWireType(type)?.agent.decode(destination) as StoreSettings
  }

  async #script(stage: string, given: string[], { parameters }: Database, job: GoJob) {
    job.state = stage
    const { missing, problem, output, errors } = await runGoScript(this.#options.folder, stage, given, parameters)
    if (!missing) {
      const field = stage.replaceAll('-', '_')
      job.logs[`${field}_log`] = output
      job.logs[`${field}_errorlog`] = errors
    }
    return { missing, problem }
  }
}

function failure(message: string, error: string): GoJob {
  return { ...zeroJob('FAILED'), message, state: 'Body Deserialization', error_message: error }
}
