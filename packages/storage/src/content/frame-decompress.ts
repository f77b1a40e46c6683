import { Duplex } from 'node:stream'
import type { Gunzip, ZstdDecompress } from 'node:zlib'

/** A decompressor of node:zlib; `bytesWritten` is how much of its input it has used. */
type FrameReader = ZstdDecompress | Gunzip

/**
 * Creates a stream that decompresses any number of consecutive frames (members in gzip), like `zstd -d` and `gzip -d`.
 *
 * node:zlib stops at the end of zstd's first frame, and of gzip's last member, and drops the rest. Its own zstd
 * compressor writes a second, empty frame when its input ends while the last chunk is still queued, and other programs
 * write many (pzstd, `cat a.zst b.zst`). Bytes after the end that are not a frame fail the stream, and so does
 * truncated input.
 *
 * @param createReader - Creates the decompressor of a frame.
 */
export function frameDecompressor(createReader: () => FrameReader): Duplex {
  return Duplex.from((source: AsyncIterable<Buffer>) => decompressFrames(source, createReader))
}

async function* decompressFrames(
  source: AsyncIterable<Buffer>,
  createReader: () => FrameReader,
): AsyncGenerator<Buffer> {
  const chunks = source[Symbol.asyncIterator]()
  try {
    let rest: Buffer | undefined
    do {
      const frame = createReader()
      const fed = feed(frame, chunks, rest)
      // A failure here fails the frame as well, or is thrown by the await below.
      fed.catch((error: Error) => frame.destroy(error))
      try {
        yield* frame
      } finally {
        frame.destroy()
      }
      rest = await fed
    } while (rest !== undefined)
  } finally {
    await chunks.return?.()
  }
}

/**
 * Feeds a decompressor until its frame ends.
 *
 * @param first - Input that precedes the chunks.
 * @returns What follows the frame; undefined once the chunks are exhausted.
 */
async function feed(
  frame: FrameReader,
  chunks: AsyncIterator<Buffer>,
  first: Buffer | undefined,
): Promise<Buffer | undefined> {
  let fedBytes = 0
  for (let chunk = first ?? (await next(chunks)); chunk !== undefined; chunk = await next(chunks)) {
    fedBytes += chunk.length
    await write(frame, chunk)
    const restBytes = fedBytes - frame.bytesWritten
    if (restBytes > 0) return chunk.subarray(chunk.length - restBytes)
  }
  frame.end()
  return undefined
}

async function next(chunks: AsyncIterator<Buffer>): Promise<Buffer | undefined> {
  const { value, done } = await chunks.next()
  return done ? undefined : value
}

function write(frame: FrameReader, chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    frame.write(chunk, (error) => (error ? reject(error) : resolve()))
  })
}
