import { Readable } from 'node:stream'
import { transferOwnership } from '../buffer-ownership.ts'
import { destroyOnAbort } from '../destroy-on-abort.ts'
import { type BandwidthLimit, limited } from './bandwidth.ts'
import { BufferPool } from './buffer-pool.ts'
import type { ByteRange, OpenedObject } from './byte-range.ts'
import { type OpeningOptions, ResumingDownload } from './resuming-download.ts'

/** How an object is downloaded. */
export interface DownloadOptions extends OpeningOptions {
  /** The object is requested in ranges of this size. */
  rangeBytes: number
  /** Ranges that are in flight or buffered; each takes memory for its size. */
  rangesInFlight: number
  bandwidth: readonly BandwidthLimit[]
  /** The bytes to download, in one request; undefined: the whole object. */
  range?: { from: number; end: number } | undefined
  signal?: AbortSignal | undefined
}

/**
 * Downloads an object, in several concurrent ranges if it is larger than one. Each resumes by itself when its
 * connection is lost. A range is fetched to its end even if the reader pauses, so that no connection waits for the
 * reader.
 *
 * @throws {StoreError} If it cannot be opened; that is not retried.
 */
export async function download(options: DownloadOptions): Promise<Readable> {
  const { signal = new AbortController().signal } = options
  const stream = options.range ? await part(options, options.range, signal) : await all(options, signal)
  // It may fail before its reader listens. The reader still sees the error; without this listener it would end the
  // process.
  stream.on('error', () => undefined)
  destroyOnAbort(stream, signal)
  return stream
}

async function part(options: DownloadOptions, range: ByteRange, signal: AbortSignal): Promise<Readable> {
  const opened = await options.open(range, undefined, signal)
  return limited(new ResumingDownload(options, range, opened.tag, opened), options.bandwidth)
}

async function all(options: DownloadOptions, signal: AbortSignal): Promise<Readable> {
  const { rangeBytes } = options
  const first = await options.open({ from: 0, end: rangeBytes }, undefined, signal)
  const isWhole = first.objectBytes === undefined || first.objectBytes <= rangeBytes
  return isWhole ? whole(options, first) : inRanges(options, first, signal)
}

function whole(options: DownloadOptions, first: OpenedObject): Readable {
  return limited(new ResumingDownload(options, { from: 0, end: undefined }, first.tag, first), options.bandwidth)
}

/** Only a tag ensures that all ranges are of the same content. */
async function inRanges(options: DownloadOptions, first: OpenedObject, signal: AbortSignal): Promise<Readable> {
  if (first.tag !== undefined) return new RangedDownload(options, first)
  first.body.destroy()
  return whole(options, await options.open({ from: 0, end: undefined }, undefined, signal))
}

/** Size of the chunks for the reader. */
const CHUNK_BYTES = 64 * 1024

/** Shared by all downloads. */
const rangeMemory = new BufferPool()

/** A range that is being fetched, with its bytes so far. */
interface FetchedRange {
  stream: Readable
  memory: Buffer
  fetchedBytes: number
  /** How many of them the reader has received. */
  readBytes: number
  sizeBytes: number
}

/**
 * Prefetched bytes are kept in reused buffers: separate buffers would outlive V8's young generation, and freeing them
 * took a fifth of a download's time.
 */
class RangedDownload extends Readable {
  readonly #options: DownloadOptions
  readonly #tag: string | undefined
  readonly #objectBytes: number
  /** In the order of the object. */
  readonly #ranges: FetchedRange[] = []
  #nextFrom = 0
  #isWanted = false

  constructor(options: DownloadOptions, first: OpenedObject) {
    super({ highWaterMark: CHUNK_BYTES })
    this.#options = options
    this.#tag = first.tag
    this.#objectBytes = first.objectBytes ?? 0
    this.#fetch(first)
    this.#fetchAhead()
  }

  override _read(): void {
    this.#isWanted = true
    this.#pass()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    for (const { stream } of this.#ranges) stream.destroy()
    this.#ranges.length = 0
    callback(error)
  }

  #fetchAhead(): void {
    while (this.#ranges.length < this.#options.rangesInFlight && this.#nextFrom < this.#objectBytes) this.#fetch()
  }

  #fetch(opened?: OpenedObject): void {
    const { rangeBytes, bandwidth } = this.#options
    const from = this.#nextFrom
    const end = Math.min(from + rangeBytes, this.#objectBytes)
    this.#nextFrom = end
    const stream = limited(new ResumingDownload(this.#options, { from, end }, this.#tag, opened), bandwidth)
    const memory = rangeMemory.acquire(rangeBytes)
    const range = { stream, memory, fetchedBytes: 0, readBytes: 0, sizeBytes: end - from }
    this.#ranges.push(range)
    stream.on('data', (chunk: Buffer) => {
      range.fetchedBytes += chunk.copy(memory, range.fetchedBytes, 0, range.sizeBytes - range.fetchedBytes)
      this.#pass()
    })
    stream.on('error', (error) => this.destroy(error))
  }

  /** Delivers the next bytes in order, as far as the reader wants them. */
  #pass(): void {
    for (let range = this.#ranges[0]; range !== undefined && this.#isWanted; range = this.#ranges[0]) {
      const { memory, readBytes, fetchedBytes, sizeBytes } = range
      const bytes = memory.subarray(readBytes, Math.min(readBytes + CHUNK_BYTES, fetchedBytes))
      if (bytes.length < CHUNK_BYTES && fetchedBytes < sizeBytes) return
      range.readBytes += bytes.length
      this.#isWanted = this.push(transferOwnership(Buffer.from(bytes)))
      if (range.readBytes === sizeBytes) this.#finish(range)
    }
  }

  #finish({ memory }: FetchedRange): void {
    this.#ranges.shift()
    rangeMemory.release(memory)
    this.#fetchAhead()
    if (this.#ranges.length === 0) this.push(null)
  }
}
