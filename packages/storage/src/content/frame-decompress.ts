import { Duplex } from 'node:stream'
import type { Gunzip, ZstdDecompress } from 'node:zlib'

/** A decompressor of node:zlib; `bytesWritten` says how much of what it was fed it has used. */
type FrameReader = ZstdDecompress | Gunzip

/**
 * The stream that decompresses frames (gzip calls them members), any number of them one after the other, as `zstd -d`
 * and `gzip -d` do.
 *
 * node:zlib stops at the end of zstd's first frame, and of gzip's last member, and drops the rest. Its own zstd
 * compressor writes a second, empty frame when its input ends while the last chunk still waits, and others write many
 * (pzstd, `cat a.zst b.zst`). Bytes after the end that are no frame fail the stream, and so does an early end.
 *
 * @param createReader - Makes the decompressor of a frame.
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
      // What fails here fails the frame as well, or comes out of the await below.
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
 * @param first - What is fed before the chunks.
 * @returns What follows the frame; undefined once the chunks are used up.
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
