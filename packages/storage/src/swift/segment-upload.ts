import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { StoreError } from '../store-error.ts'
import type { SwiftClient } from './swift-client.ts'

/** Whose segments they are. Segments lie in a container of their own, so they are not listed among the objects. */
export interface SegmentPlace {
  container: string
  name: string
  /** Unlike any other upload's, so that two of one name do not touch each other's segments. */
  upload: string
}

/** A segment as a manifest names it. */
export interface Segment {
  path: string
  etag: string
  sizeBytes: number
}

/** The segments of one upload. */
export class SegmentUpload {
  readonly #client: SwiftClient
  readonly #place: SegmentPlace
  /** Names of all that were begun, for their removal. */
  readonly #names: string[] = []
  readonly #done: Segment[] = []

  constructor(client: SwiftClient, place: SegmentPlace) {
    this.#client = client
    this.#place = place
  }

  get count(): number {
    return this.#names.length
  }

  get done(): readonly Segment[] {
    return this.#done
  }

  get #container(): string {
    return `${this.#place.container}_segments`
  }

  /** Makes sure that the object's container is there, and the segments' beside it, on the same kind of disks. */
  async begin(): Promise<void> {
    const { container } = this.#place
    const main = await this.#client.sendAndDump({ method: 'HEAD', container, accept: [204, 200] })
    const segments = { container: this.#container }
    const found = await this.#client.sendAndDump({ ...segments, method: 'HEAD', accept: [204, 200, 404] })
    if (found.statusCode !== 404) return
    const policy = main.headers['x-storage-policy']
    const headers = typeof policy === 'string' ? { 'x-storage-policy': policy } : undefined
    // 202 or 409: another upload made it in the meantime.
    await this.#client.sendAndDump({ ...segments, method: 'PUT', headers, accept: [201, 202, 409] })
  }

  /**
   * Uploads a segment while its bytes come in, and compares the server's MD5 with that of what was sent.
   *
   * @param translate - Makes the error to report from Swift's; those of `bytes` come through as they are.
   */
  async add(bytes: AsyncIterable<Buffer>, translate: (error: unknown) => Error): Promise<void> {
    const name = `${this.#place.name}/${this.#place.upload}/${String(this.#names.length + 1).padStart(8, '0')}`
    this.#names.push(name)
    const hash = createHash('md5')
    const sent: { sizeBytes: number; failure?: { error: unknown } } = { sizeBytes: 0 }
    const body = Readable.from(measured(), { objectMode: false, highWaterMark: 256 * 1024 })
    async function* measured() {
      try {
        for await (const chunk of bytes) {
          hash.update(chunk)
          sent.sizeBytes += chunk.length
          yield chunk
        }
      } catch (error) {
        sent.failure = { error }
        throw error
      }
    }
    try {
      const answer = await this.#client.sendAndDump({
        method: 'PUT',
        container: this.#container,
        name,
        body,
        accept: [201],
      })
      this.#keep(name, hash.digest('hex'), sent.sizeBytes, answer.headers.etag)
    } catch (error) {
      throw sent.failure ? sent.failure.error : translate(error)
    } finally {
      body.destroy()
    }
  }

  #keep(name: string, etag: string, sizeBytes: number, answered: unknown): void {
    if (typeof answered === 'string' && answered.replaceAll('"', '') !== etag) {
      throw new StoreError('temporary', `Segment "${name}" reached Swift with other bytes than were sent; try again.`)
    }
    this.#done.push({ path: `/${this.#container}/${name}`, etag, sizeBytes })
  }

  /**
   * Removes every segment that was begun. One that a broken-off request still brings is older than its removal, and
   * Swift lets the newer win.
   */
  async removeAll(signal: AbortSignal): Promise<void> {
    for (const name of this.#names) {
      await this.#client.sendAndDump({
        method: 'DELETE',
        container: this.#container,
        name,
        accept: [204, 404],
        signal,
      })
    }
  }
}
