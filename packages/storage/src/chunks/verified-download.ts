import { Readable } from 'node:stream'
import { omitUndefined } from '@osb-backup/node'
import { releaseBuffer, transferOwnership } from '../buffer-ownership.ts'
import { ContentError } from '../content/content-error.ts'
import { destroyOnAbort } from '../destroy-on-abort.ts'
import type { ObjectStore } from '../object-store.ts'
import { type ChunkList, isChunk, rangeOfChunk } from './chunk-list.ts'

/** What stops a download, and where its progress is reported. */
export interface VerifiedDownloadOptions {
  signal?: AbortSignal | undefined
  onProgress?: ((progress: { bytesRead: number }) => void) | undefined
}

/**
 * Downloads an object and passes on only chunks that match a list; the object is read once. A chunk that does not match is
 * fetched once more: then the stream fails with the code `corrupt`.
 */
export async function openVerified(
  store: ObjectStore,
  name: string,
  list: ChunkList,
  options: VerifiedDownloadOptions = {},
): Promise<Readable> {
  const { signal } = options
  const stream = new VerifiedDownload({ store, name, list }, await store.get(name, omitUndefined({ signal })), options)
  // It may fail before its reader listens. The reader still sees the error; without this listener it would end the
  // process.
  stream.on('error', () => undefined)
  destroyOnAbort(stream, signal)
  return stream
}

/** An object, and what its chunks must be. */
export interface ListedObject {
  store: ObjectStore
  name: string
  list: ChunkList
}

/**
 * Fetches one chunk and verifies it.
 *
 * @throws {ContentError} With code `corrupt` if it does not match.
 */
export async function fetchChunk(object: ListedObject, index: number, signal?: AbortSignal): Promise<Buffer> {
  const { store, name, list } = object
  const range = rangeOfChunk(list, index)
  const bytes = await readStart(await store.get(name, omitUndefined({ range, signal })), range.end - range.from)
  if (!isChunk(list, index, bytes)) throw corruptChunk(object, index)
  return bytes
}

/** Reads at most `maximumBytes`: a server may ignore the range, and send a terabyte. */
async function readStart(stream: Readable, maximumBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    sizeBytes += chunk.length
    if (sizeBytes >= maximumBytes) break
  }
  return Buffer.concat(chunks).subarray(0, maximumBytes)
}

function corruptChunk({ name, list }: ListedObject, index: number): ContentError {
  const { from, end } = rangeOfChunk(list, index)
  return new ContentError(
    'corrupt',
    `"${name}": the chunk of ${end - from} bytes at offset ${from} does not match its digest, also when read again.`,
  )
}

/** Size of the chunks for the reader. */
const PASSED_BYTES = 64 * 1024

class VerifiedDownload extends Readable {
  readonly #object: ListedObject
  readonly #source: Readable
  readonly #options: VerifiedDownloadOptions
  readonly #fetching = new AbortController()
  /** The chunk that is being read or passed on. */
  readonly #memory: Buffer
  #index = 0
  #filledBytes = 0
  #passedBytes = 0
  #state: 'filling' | 'fetching' | 'verified' = 'filling'
  /** What arrived of the next chunk. */
  #rest: Buffer | undefined
  #isWanted = false
  #hasEnded = false

  constructor(object: ListedObject, source: Readable, options: VerifiedDownloadOptions) {
    super({ highWaterMark: PASSED_BYTES })
    this.#object = object
    this.#source = source
    this.#options = options
    this.#memory = Buffer.allocUnsafeSlow(Math.min(object.list.chunkBytes, object.list.objectBytes))
    source.on('data', (bytes: Buffer) => this.#take(bytes))
    source.on('end', () => {
      this.#hasEnded = true
      this.#advance()
    })
    source.on('error', (error) => this.destroy(error))
    source.on('close', () => {
      if (!this.#hasEnded && !this.destroyed) this.destroy(new Error('The download was closed before its end'))
    })
  }

  override _read(): void {
    this.#isWanted = true
    this.#pass()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#fetching.abort()
    this.#source.destroy()
    callback(error)
  }

  get #sizeBytes(): number {
    const { list } = this.#object
    if (this.#index >= list.sha256.length) return 0
    const { from, end } = rangeOfChunk(list, this.#index)
    return end - from
  }

  #take(bytes: Buffer): void {
    const taken = bytes.copy(this.#memory, this.#filledBytes, 0, this.#sizeBytes - this.#filledBytes)
    this.#filledBytes += taken
    this.#options.onProgress?.({ bytesRead: this.#index * this.#object.list.chunkBytes + this.#filledBytes })
    if (taken < bytes.length) this.#rest = bytes.subarray(taken)
    else releaseBuffer(bytes)
    this.#advance()
  }

  /** Verifies the chunk if all of it has arrived. */
  #advance(): void {
    if (this.#state !== 'filling' || this.destroyed) return
    const { list } = this.#object
    if (this.#index === list.sha256.length) {
      if (this.#rest !== undefined) this.destroy(this.#tooLong())
      else if (this.#hasEnded) this.push(null)
      return
    }
    const isFull = this.#filledBytes === this.#sizeBytes
    if (!isFull && !this.#hasEnded) return
    this.#source.pause()
    if (isFull && isChunk(list, this.#index, this.#memory.subarray(0, this.#sizeBytes))) this.#verified()
    else void this.#fetchAgain()
  }

  #tooLong(): ContentError {
    const { name, list } = this.#object
    return new ContentError('corrupt', `"${name}" has more than the ${list.objectBytes} bytes that were recorded.`)
  }

  /** Never rejects. */
  async #fetchAgain(): Promise<void> {
    this.#state = 'fetching'
    try {
      const bytes = await fetchChunk(this.#object, this.#index, this.#fetching.signal)
      bytes.copy(this.#memory)
      this.#filledBytes = bytes.length
      this.#verified()
    } catch (error) {
      this.destroy(error as Error)
    }
  }

  #verified(): void {
    if (this.destroyed) return
    this.#state = 'verified'
    this.#pass()
  }

  /** Passes on the verified chunk, as far as the reader wants it, and continues with the next one. */
  #pass(): void {
    while (this.#state === 'verified' && this.#isWanted) {
      const bytes = this.#memory.subarray(
        this.#passedBytes,
        Math.min(this.#passedBytes + PASSED_BYTES, this.#filledBytes),
      )
      this.#passedBytes += bytes.length
      this.#isWanted = this.push(transferOwnership(Buffer.from(bytes)))
      if (this.#passedBytes === this.#filledBytes) this.#next()
    }
  }

  #next(): void {
    this.#index++
    this.#filledBytes = 0
    this.#passedBytes = 0
    this.#state = 'filling'
    const rest = this.#rest
    this.#rest = undefined
    if (rest !== undefined) this.#take(rest)
    else this.#advance()
    if (this.#state === 'filling' && !this.#hasEnded) this.#source.resume()
  }
}
