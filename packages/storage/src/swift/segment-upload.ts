import { randomBytes } from 'node:crypto'
import type { UploadRecorder } from '../object-store.ts'
import { type RetryOptions, undoRetry, withRetries } from '../retrying.ts'
import { StoreError } from '../store-error.ts'
import type { Sending } from '../store-options.ts'
import { BoundedTasks } from '../transfer/bounded-tasks.ts'
import { GracefulStop } from '../transfer/graceful-stop.ts'
import type { Part } from '../transfer/parts.ts'
import { discard, listSchema, readJson } from './swift-answer.ts'
import type { SwiftClient } from './swift-client.ts'
import { toSwiftStoreError } from './swift-error.ts'

/** The server checks every segment before it answers. */
export const MANIFEST_TIMEOUT_MS = 10 * 60_000

/** An object in Swift, and how its segments are sent. */
export interface SwiftTarget {
  client: SwiftClient
  container: string
  name: string
  sending: Sending
  retry: RetryOptions
  /** Whether no object of this name may exist. */
  mustBeNew: boolean
  recorder: UploadRecorder | undefined
  /** For messages: `store "x" in container y`. */
  doing: string
  /** Cancels the upload. */
  signal: AbortSignal | undefined
}

/** A segment as a manifest names it. */
export interface Segment {
  path: string
  etag: string
  size_bytes: number
}

/**
 * The segments of one upload. They are in a container of their own, so that they are not listed among the objects, and
 * under a prefix of their own, so that two uploads of one name do not affect each other.
 */
export class SegmentUpload {
  readonly #target: SwiftTarget
  /** Distinguishes the segments of this upload from those of others under the name. */
  readonly id = randomBytes(6).toString('hex')
  readonly #tasks = new BoundedTasks()
  readonly #stop: GracefulStop
  /** Names of all that were started, for their removal. */
  readonly #names: string[] = []
  readonly #segments: Segment[] = []

  constructor(target: SwiftTarget) {
    this.#target = target
    this.#stop = new GracefulStop(target.signal)
  }

  get count(): number {
    return this.#segments.length
  }

  get #container(): string {
    return `${this.#target.container}_segments`
  }

  /** Checks that the object's container exists, and creates the one for segments with the same storage policy. */
  async begin(): Promise<void> {
    const { client, container } = this.#target
    const main = await client.sendAndDump({ method: 'HEAD', container, accept: [204, 200] })
    const segments = { container: this.#container }
    const found = await client.sendAndDump({ ...segments, method: 'HEAD', accept: [204, 200, 404] })
    if (found.statusCode !== 404) return
    const policy = main.headers['x-storage-policy']
    const headers = typeof policy === 'string' ? { 'x-storage-policy': policy } : {}
    // 202 or 409: another upload created it concurrently.
    await client.sendAndDump({ ...segments, method: 'PUT', headers, accept: [201, 202, 409] })
  }

  /**
   * Uploads a segment in the background, once fewer than the limit are in flight. Releases it in any case.
   *
   * @throws What an earlier segment failed with.
   */
  async add(part: Part): Promise<void> {
    let isStarted = false
    try {
      await this.#tasks.start(
        () => this.#send(part).finally(part.release),
        this.#target.sending.inFlight(part.sizeBytes),
      )
      isStarted = true
    } finally {
      if (!isStarted) await part.release()
    }
  }

  async #send(part: Part): Promise<void> {
    const name = this.#newName()
    const segment = { path: `/${this.#container}/${name}`, etag: '', size_bytes: part.sizeBytes }
    this.#segments.push(segment)
    segment.etag = (await part.digest('md5')).toString('hex')
    // The server compares the ETag with the received bytes and rejects what was changed in transit.
    const headers = { etag: segment.etag }
    await this.#put(name, () => part.body(this.#target.sending.bandwidth), part.sizeBytes, { headers })
  }

  async #put(
    name: string,
    body: () => ReturnType<Part['body']>,
    sizeBytes: number,
    more: { headers?: Record<string, string>; query?: Record<string, string>; answerTimeoutMs?: number },
  ): Promise<void> {
    const { client, retry } = this.#target
    const { cutOff: signal } = this.#stop
    const request = { method: 'PUT', container: this.#container, name, body, sizeBytes, accept: [201], signal } as const
    await withRetries(() => this.#translated(client.sendAndDump({ ...request, ...more })), retry, this.#stop.stopped)
  }

  async #translated<T>(promise: Promise<T>): Promise<T> {
    return promise.catch((error: unknown) => {
      throw toSwiftStoreError(error, this.#target.doing)
    })
  }

  #newName(): string {
    const name = `${this.#target.name}/${this.id}/${String(this.#names.length + 1).padStart(8, '0')}`
    this.#names.push(name)
    return name
  }

  /**
   * Waits until all segments are uploaded.
   *
   * @param maximum - How many segments a manifest may name. Where there are more, manifests are made that name them,
   *   and returned in their place.
   * @throws What a segment failed with.
   */
  async settled(maximum: number): Promise<readonly Segment[]> {
    await this.#tasks.settled()
    if (this.#segments.length <= maximum) return this.#segments
    const manifests: Segment[] = []
    for (let at = 0; at < this.#segments.length; at += maximum) {
      manifests.push(await this.#group(this.#segments.slice(at, at + maximum)))
    }
    return manifests
  }

  async #group(segments: readonly Segment[]): Promise<Segment> {
    const [only] = segments
    if (segments.length === 1 && only) return only
    const name = this.#newName()
    const body = Buffer.from(JSON.stringify(segments))
    const query = { 'multipart-manifest': 'put' }
    await this.#put(name, () => body, body.length, { query, answerTimeoutMs: MANIFEST_TIMEOUT_MS })
    const { client, retry } = this.#target
    const headOnce = () => client.sendAndDump({ method: 'HEAD', container: this.#container, name, accept: [200] })
    const head = await withRetries(() => this.#translated(headOnce()), retry, this.#stop.stopped)
    const sizeBytes = segments.reduce((sum, { size_bytes }) => sum + size_bytes, 0)
    if (Number(head.headers['content-length']) !== sizeBytes) {
      throw new StoreError('temporary', `Swift has another size for the segments "${name}" than was sent; try again.`)
    }
    return {
      path: `/${this.#container}/${name}`,
      etag: String(head.headers.etag).replaceAll('"', ''),
      size_bytes: sizeBytes,
    }
  }

  /** Paths of all segments that other uploads of this name have left. Nobody else uploads under the name at the same time. */
  async pathsOfOthers(): Promise<string[]> {
    const { client, name } = this.#target
    const container = this.#container
    const prefix = `${name}/`
    const paths: string[] = []
    for (let marker = ''; ; ) {
      const query = { format: 'json', prefix, marker }
      const answer = await client.send({ method: 'GET', container, query, accept: [200, 204, 404] })
      const page = answer.statusCode === 200 ? await readJson(answer.body, listSchema) : []
      if (answer.statusCode !== 200) await discard(answer.body)
      const names = page.flatMap((entry) => ('name' in entry ? [entry.name] : []))
      const last = names.at(-1)
      if (last === undefined || last === marker) return paths
      marker = last
      const found = names.filter((each) => /^[0-9a-f]{12}\/\d{8}$/.test(each.slice(prefix.length)))
      paths.push(...found.filter((each) => !this.#names.includes(each)).map((each) => `/${container}/${each}`))
    }
  }

  /**
   * Waits until nothing is on its way. What is finishes first, since Ceph stores a segment whose connection is cut off, and may
   * do so after its removal.
   */
  async stop(): Promise<void> {
    this.#stop.request()
    await this.#tasks.over()
  }

  /**
   * Removes every segment that was begun. One that a broken-off request still brings is older than its removal, and
   * Swift lets the newer win.
   */
  async removeAll(signal: AbortSignal): Promise<void> {
    const { client } = this.#target
    for (const name of this.#names) {
      const request = { method: 'DELETE', container: this.#container, name, accept: [204, 404], signal } as const
      await withRetries(() => this.#translated(client.sendAndDump(request)), undoRetry, signal)
    }
  }
}
