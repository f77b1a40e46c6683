import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'

const chunkBytes = 256 * 1024

/** A stream of a given size, the same for the same size and different at every offset, generated as it is read. */
export function generated(sizeBytes: number): Readable {
  return Readable.from(chunks(sizeBytes), { objectMode: false, highWaterMark: chunkBytes })
}

const digests = new Map<number, string>()

/** SHA-256 in hex of what `generated` gives. */
export function generatedSha256(sizeBytes: number): string {
  const known = digests.get(sizeBytes)
  if (known !== undefined) return known
  const hash = createHash('sha256')
  for (const chunk of chunks(sizeBytes)) hash.update(chunk)
  const digest = hash.digest('hex')
  digests.set(sizeBytes, digest)
  return digest
}

/** A stream that delivers a number of bytes and then fails. */
export function failing(sizeBytes: number, error: Error): Readable {
  return Readable.from(
    (function* () {
      yield* chunks(sizeBytes)
      throw error
    })(),
    { objectMode: false },
  )
}

/** A stream that delivers a number of bytes and then neither more nor an end. */
export function stalling(sizeBytes: number): Readable {
  const bytes = chunks(sizeBytes)
  return new Readable({
    read() {
      const next = bytes.next()
      if (!next.done) this.push(next.value)
    },
  })
}

/** Reads a stream to its end, keeping nothing. */
export async function sizeAndSha256(stream: Readable): Promise<{ sizeBytes: number; sha256: string }> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  for await (const chunk of stream) {
    hash.update(chunk)
    sizeBytes += chunk.length
  }
  return { sizeBytes, sha256: hash.digest('hex') }
}

/** Xorshift: fast, and incompressible enough. */
function* chunks(sizeBytes: number): Generator<Buffer> {
  let state = 0x9e3779b9
  for (let left = sizeBytes; left > 0; left -= chunkBytes) {
    const words = new Uint32Array(chunkBytes / 4)
    for (let index = 0; index < words.length; index++) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      words[index] = state
    }
    yield Buffer.from(words.buffer, 0, Math.min(left, chunkBytes))
  }
}
