import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { splitIntoParts } from './parts.ts'

const folder = await mkdtemp(join(tmpdir(), 'osb-parts-'))
afterAll(() => rm(folder, { recursive: true }))

async function* streamOf(chunks: readonly Uint8Array[]) {
  for (const chunk of chunks) yield Buffer.from(chunk)
}

async function bytesOf(body: Buffer | Readable): Promise<Buffer> {
  return Buffer.isBuffer(body) ? Buffer.from(body) : buffer(body)
}

const contents = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 30 })

test('splits any chunks into parts of the requested sizes, in memory or on disk, which can be read repeatedly', async () => {
  const run = async (chunks: Uint8Array[], first: number, memoryLimitBytes: number) => {
    const whole = Buffer.concat(chunks)
    const sizeOf = (number: number) => first + number
    const found: Buffer[] = []
    const lasts: boolean[] = []
    for await (const { part, isLast } of splitIntoParts(streamOf(chunks), {
      sizeOf,
      memoryLimitBytes,
      folder,
      digest: 'sha256',
    })) {
      const bytes = await bytesOf(part.body([]))
      expect((await bytesOf(part.body([]))).equals(bytes)).toBe(true)
      for (const algorithm of ['sha256', 'md5'] as const) {
        expect(await part.digest(algorithm)).toEqual(createHash(algorithm).update(bytes).digest())
      }
      expect(part.sizeBytes).toBe(bytes.length)
      await part.release()
      found.push(bytes)
      lasts.push(isLast)
    }
    expect(Buffer.concat(found).equals(whole)).toBe(true)
    expect(lasts).toEqual(lasts.map((_, index) => index === lasts.length - 1))
    const sizes = found.map((bytes) => bytes.length)
    expect(sizes.slice(0, -1)).toEqual(sizes.slice(0, -1).map((_, index) => sizeOf(index + 1)))
    expect(sizes.at(-1)).toBeLessThanOrEqual(sizeOf(sizes.length))
    expect(sizes.at(-1) !== 0 || (sizes.length === 1 && whole.length === 0)).toBe(true)
  }
  const numbers = fc.integer({ min: 1, max: 30 })
  await fc.assert(fc.asyncProperty(contents, numbers, fc.integer({ min: 0, max: 60 }), run), { numRuns: 60 })
  expect(await readdir(folder)).toEqual([])
})

test('leaves no file when its content fails, even while a part is in flight', async () => {
  async function* dying() {
    yield randomBytes(100)
    throw new Error('the dump died')
  }
  const cutting = async () => {
    for await (const { part } of splitIntoParts(dying(), {
      sizeOf: () => 30,
      memoryLimitBytes: 10,
      folder,
      digest: 'md5',
    }))
      await part.release()
  }
  await expect(cutting()).rejects.toThrow('the dump died')
  expect(await readdir(folder)).toEqual([])
})

test('reports a missing directory for large parts', async () => {
  const missing = join(folder, 'missing')
  const options = { sizeOf: () => 30, memoryLimitBytes: 10, folder: missing, digest: 'md5' } as const
  await expect(splitIntoParts(streamOf([randomBytes(100)]), options).next()).rejects.toMatchObject({
    code: 'misconfigured',
    message: expect.stringContaining(missing),
  })
})

describe('memory of released parts', () => {
  const memoryOf = async () => {
    const memory = new Set<ArrayBufferLike>()
    const options = { sizeOf: () => 30, memoryLimitBytes: 100, folder, digest: 'md5' } as const
    for await (const { part } of splitIntoParts(streamOf(Array.from({ length: 50 }, () => randomBytes(20))), options)) {
      memory.add((part.body([]) as Buffer).buffer)
      await part.release()
    }
    return memory
  }

  test('is used again', async () => {
    expect((await memoryOf()).size).toBe(1)
  })

  test('is not that of another upload, whose server may still read it', async () => {
    const first = await memoryOf()
    expect(first.isDisjointFrom(await memoryOf())).toBe(true)
  })
})
