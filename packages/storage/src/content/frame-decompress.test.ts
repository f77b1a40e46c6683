import { randomBytes } from 'node:crypto'
import { type Duplex, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import zlib from 'node:zlib'
import { omitUndefined } from '@osb-backup/node'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compressor, decompressor } from './compression.ts'
import { findZstdProgram } from './zstd-program.ts'

const checksummed = { params: { [zlib.constants.ZSTD_c_checksumFlag]: 1 } }
const zstdProgram = findZstdProgram(process.env.PATH)
const readers = [
  { what: 'gzip', compression: 'gzip', frameOf: (content: Buffer) => zlib.gzipSync(content), options: {}, runs: 100 },
  {
    what: 'zstd of node:zlib',
    compression: 'zstd',
    frameOf: (content: Buffer) => zlib.zstdCompressSync(content, checksummed),
    options: {},
    runs: 100,
  },
  {
    what: 'the zstd program',
    compression: 'zstd',
    frameOf: (content: Buffer) => zlib.zstdCompressSync(content, checksummed),
    options: omitUndefined({ zstdProgram }),
    runs: 10,
  },
] as const

function* pieces(content: Buffer, size: number) {
  for (let offset = 0; offset < content.length; offset += size) yield content.subarray(offset, offset + size)
}

describe.for(readers)('$what', ({ compression, frameOf, options, runs }) => {
  async function decompress(stored: Buffer, pieceSize: number): Promise<Buffer> {
    const stream = decompressor(compression, options) as Duplex
    const running = pipeline(Readable.from(pieces(stored, pieceSize)), stream)
    const [content] = await Promise.all([buffer(stream), running])
    return content
  }

  test('any number of frames is read, wherever the chunks are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 2000 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 3000 }),
        async (contents, pieceSize) => {
          const stored = Buffer.concat(contents.map((content) => frameOf(Buffer.from(content))))
          expect(await decompress(stored, pieceSize)).toEqual(Buffer.concat(contents))
        },
      ),
      { numRuns: runs },
    )
  })

  test('the output of our compressor for an input that ends early is read completely', async () => {
    const stream = compressor(compression, options) as Duplex
    const content = randomBytes(3000)
    for (const piece of pieces(content, 600)) stream.write(piece)
    stream.end()
    const stored = await buffer(stream)
    expect(await decompress(stored, 65_536)).toEqual(content)
    expect(await decompress(stored, 1)).toEqual(content)
  })

  test.for([1, 7, 1000, 100_000])(
    'bytes after the end that are not a frame fail, in chunks of %i',
    async (pieceSize) => {
      const stored = Buffer.concat([frameOf(randomBytes(500)), Buffer.from('no frame at all')])
      await expect(decompress(stored, pieceSize)).rejects.toMatchObject({
        code: expect.stringMatching(/^(ZSTD_|Z_|corrupt)/),
      })
    },
  )

  test('truncated input fails, in the first frame and in the second', async () => {
    const frame = frameOf(randomBytes(500))
    for (let cut = 1; cut < frame.length; cut += 53) {
      await expect(decompress(frame.subarray(0, cut), 100)).rejects.toThrow()
      await expect(decompress(Buffer.concat([frame, frame.subarray(0, cut)]), 100)).rejects.toThrow()
    }
    await expect(decompress(Buffer.alloc(0), 100)).rejects.toThrow()
  })

  test('a reader that stops early ends the source', async () => {
    const source = Readable.from(pieces(frameOf(randomBytes(5_000_000)), 10_000))
    const stream = decompressor(compression, options) as Duplex
    const running = pipeline(source, stream)
    for await (const _ of stream) break
    await expect(running).rejects.toThrow()
    expect(source.destroyed).toBe(true)
  })
})
