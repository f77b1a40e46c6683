import { createHash, type Hash, hash as sha256Of } from 'node:crypto'
import type { ByteRange } from '../transfer/byte-range.ts'

/**
 * Size of the chunks of new objects. A restore holds one in memory before it passes it on; the digests of 5 TB take
 * 40 MB in a manifest.
 */
export const CHUNK_BYTES = 8 * 1024 * 1024

/** The digests of an object, chunk by chunk. All chunks but the last have the same size. */
export interface ChunkList {
  /** Size of the object. */
  objectBytes: number
  chunkBytes: number
  /** SHA-256 of each chunk, in hex; none for an empty object. */
  sha256: readonly string[]
}

/** Whether a list has as many digests as its object has chunks. */
export function isWhole({ objectBytes, chunkBytes, sha256 }: ChunkList): boolean {
  return sha256.length === Math.ceil(objectBytes / chunkBytes)
}

/** The bytes of a chunk, counted from 0. */
export function rangeOfChunk({ objectBytes, chunkBytes }: ChunkList, index: number): ByteRange & { end: number } {
  return { from: index * chunkBytes, end: Math.min((index + 1) * chunkBytes, objectBytes) }
}

/** Whether bytes are those of a chunk. */
export function isChunk({ sha256 }: ChunkList, index: number, bytes: Buffer): boolean {
  return sha256Of('sha256', bytes, 'hex') === sha256[index]
}

/** Computes the digests of an object while it streams. */
export class ChunkDigests {
  readonly #sha256: string[] = []
  #hash: Hash = createHash('sha256')
  #objectBytes = 0

  update(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const leftBytes = CHUNK_BYTES - (this.#objectBytes % CHUNK_BYTES)
      const taken = bytes.subarray(at, at + leftBytes)
      this.#hash.update(taken)
      this.#objectBytes += taken.length
      at += taken.length
      if (taken.length === leftBytes) this.#endChunk()
    }
  }

  #endChunk(): void {
    this.#sha256.push(this.#hash.digest('hex'))
    this.#hash = createHash('sha256')
  }

  /** To be called once, when the object has passed. */
  finish(): ChunkList {
    if (this.#objectBytes % CHUNK_BYTES !== 0) this.#endChunk()
    return { objectBytes: this.#objectBytes, chunkBytes: CHUNK_BYTES, sha256: this.#sha256 }
  }
}
