import { createHash, type Hash, hash as hashOf, randomUUID } from 'node:crypto'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline, Readable } from 'node:stream'
import { releaseBuffer } from '../buffer-ownership.ts'
import { StoreError } from '../store-error.ts'
import { type BandwidthLimit, throttle, throttled } from './bandwidth.ts'
import { BufferPool } from './buffer-pool.ts'

/** Digests by which servers verify what they receive. */
export type PartDigest = 'md5' | 'sha256'

/** A part of an upload that can be sent any number of times. */
export interface Part {
  sizeBytes: number
  /** The digest of its bytes. That of `PartOptions` is known already; another one costs reading the part once more. */
  digest(algorithm: PartDigest): Promise<Buffer>
  /** Its bytes, for one request. */
  body(limits: readonly BandwidthLimit[]): Buffer | Readable
  /** Releases memory or disk. To be called when no request uses it any more. */
  release(): Promise<void>
}

/** How parts are buffered until they are sent. */
export interface PartOptions {
  /** Size of the part with a number, from 1. */
  sizeOf: (partNumber: number) => number
  /** Larger parts are buffered in an unlinked file in `folder`, smaller ones in memory. */
  memoryLimitBytes: number
  folder: string
  /** What is computed while a part is filled. */
  digest: PartDigest
}

/**
 * Splits content into parts. Yields at least one, which is empty for empty content; only the last is smaller than
 * requested, and none but the first is empty. The caller releases each part.
 */
export async function* splitIntoParts(
  chunks: AsyncIterable<Buffer>,
  options: PartOptions,
): AsyncGenerator<{ part: Part; isLast: boolean }> {
  const pool = new BufferPool()
  let number = 1
  let wanted = options.sizeOf(number)
  let growing: PartWriter | undefined = await createPart(wanted, options, pool)
  try {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; ) {
        // Only now that more data has arrived is it known that the full part is not the last.
        if (growing.sizeBytes === wanted) {
          const full = growing.done()
          growing = undefined
          yield { part: full, isLast: false }
          wanted = options.sizeOf(++number)
          growing = await createPart(wanted, options, pool)
        }
        const taken = chunk.subarray(at, at + wanted - growing.sizeBytes)
        await growing.add(taken)
        at += taken.length
      }
      releaseBuffer(chunk)
    }
    const last = growing.done()
    growing = undefined
    yield { part: last, isLast: true }
  } finally {
    await growing?.release()
  }
}

interface PartWriter {
  readonly sizeBytes: number
  add(bytes: Buffer): Promise<void>
  done(): Part
  release(): Promise<void>
}

function createPart(wantedBytes: number, options: PartOptions, pool: BufferPool): Promise<PartWriter> {
  return wantedBytes > options.memoryLimitBytes
    ? createSpooledPart(options)
    : Promise.resolve(memoryPart(wantedBytes, options.digest, pool))
}

function memoryPart(wantedBytes: number, algorithm: PartDigest, pool: BufferPool): PartWriter {
  const hash = createHash(algorithm)
  const memory = pool.acquire(wantedBytes)
  let sizeBytes = 0
  const release = async () => pool.release(memory)
  return {
    get sizeBytes() {
      return sizeBytes
    },
    async add(bytes) {
      bytes.copy(memory, sizeBytes)
      hash.update(bytes)
      sizeBytes += bytes.length
    },
    done() {
      const bytes = memory.subarray(0, sizeBytes)
      const known = hash.digest()
      return {
        sizeBytes,
        digest: async (wanted) => (wanted === algorithm ? known : hashOf(wanted, bytes, 'buffer')),
        body: (limits) => (limits.length > 0 ? throttled(bytes, limits) : bytes),
        release,
      }
    },
    release,
  }
}

async function createSpooledPart({ folder, digest }: PartOptions): Promise<PartWriter> {
  const doing = `keep a large part in ${folder} until it is sent`
  const path = join(folder, `.osb-part-${randomUUID()}`)
  const handle = await translated(open(path, 'wx+', 0o600), doing)
  // An unlinked file disappears with the process, however that ends.
  await translated(unlink(path), doing)
  return spooledPart(handle, digest, doing)
}

function spooledPart(handle: FileHandle, algorithm: PartDigest, doing: string): PartWriter {
  const hash = createHash(algorithm)
  let sizeBytes = 0
  const release = () => handle.close()
  return {
    get sizeBytes() {
      return sizeBytes
    },
    async add(bytes) {
      await translated(handle.writeFile(bytes), doing)
      hash.update(bytes)
      sizeBytes += bytes.length
    },
    done() {
      const known = hash.digest()
      return {
        sizeBytes,
        digest: async (wanted) =>
          wanted === algorithm ? known : digestOf(readAll(handle, sizeBytes), createHash(wanted)),
        body: (limits) => {
          const stream = readAll(handle, sizeBytes)
          return limits.length > 0 ? pipeline(stream, throttle(limits), () => undefined) : stream
        },
        release,
      }
    },
    release,
  }
}

async function digestOf(content: Readable, hash: Hash): Promise<Buffer> {
  for await (const chunk of content) hash.update(chunk as Buffer)
  return hash.digest()
}

/** Reads an open file from its start; unlike Node's own stream it does not close it. */
function readAll(handle: FileHandle, sizeBytes: number): Readable {
  let at = 0
  return new Readable({
    highWaterMark: 256 * 1024,
    read(wanted) {
      const buffer = Buffer.allocUnsafe(Math.min(wanted, sizeBytes - at))
      handle.read(buffer, 0, buffer.length, at).then(
        ({ bytesRead }) => {
          at += bytesRead
          this.push(bytesRead > 0 ? buffer.subarray(0, bytesRead) : null)
        },
        (error: Error) => this.destroy(error),
      )
    },
  })
}

async function translated<T>(promise: Promise<T>, doing: string): Promise<T> {
  return promise.catch((error: NodeJS.ErrnoException) => {
    const code = error.code === 'ENOSPC' || error.code === 'EDQUOT' ? 'full' : 'misconfigured'
    throw new StoreError(code, `Could not ${doing} (${error.code}): free some space there, or set another directory.`, {
      cause: error,
    })
  })
}
