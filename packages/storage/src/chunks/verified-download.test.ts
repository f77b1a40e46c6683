import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { FileStore } from '../file/file-store.ts'
import type { GetOptions } from '../object-store.ts'
import type { ChunkList } from './chunk-list.ts'
import { openVerified } from './verified-download.ts'

const root = await mkdtemp(join(tmpdir(), 'osb-verified-'))
afterAll(() => rm(root, { recursive: true }))

/** A real store that sends other bytes than it has. */
class LyingStore extends FileStore {
  readonly gets: GetOptions['range'][] = []
  readonly #change: (bytes: Buffer, isAgain: boolean) => Buffer

  constructor(change: (bytes: Buffer, isAgain: boolean) => Buffer) {
    super({ type: 'file', directory: root })
    this.#change = change
  }

  override async get(name: string, options: GetOptions = {}): Promise<Readable> {
    this.gets.push(options.range)
    const bytes = await buffer(await super.get(name, options))
    return Readable.from([this.#change(bytes, options.range !== undefined)], { objectMode: false })
  }
}

function listOf(content: Buffer, chunkBytes: number): ChunkList {
  const sha256: string[] = []
  for (let at = 0; at < content.length; at += chunkBytes) {
    sha256.push(
      createHash('sha256')
        .update(content.subarray(at, at + chunkBytes))
        .digest('hex'),
    )
  }
  return { objectBytes: content.length, chunkBytes, sha256 }
}

async function read(store: LyingStore, content: Buffer, chunkBytes: number) {
  await store.put('a', Readable.from([content], { objectMode: false }))
  const passed: Buffer[] = []
  const stream = await openVerified(store, 'a', listOf(content, chunkBytes))
  const error = await (async () => {
    for await (const chunk of stream) passed.push(Buffer.from(chunk))
  })().catch((caught: { code: string; message: string }) => caught)
  return { passed: Buffer.concat(passed), error }
}

const flip = (bytes: Buffer, at: number) => {
  const changed = Buffer.from(bytes)
  changed[at] = (changed[at] ?? 0) ^ 1
  return changed
}

/** Each run stores an object, which is synced to the disk. */
const RUNS = { numRuns: 40 }
const arbitraries = [
  fc.uint8Array({ minLength: 1, maxLength: 400 }).map(Buffer.from),
  fc.integer({ min: 1, max: 90 }),
] as const

describe('a verified download', () => {
  test('passes on what matches, and reads it once', async () => {
    await fc.assert(
      fc.asyncProperty(...arbitraries, async (content, chunkBytes) => {
        const store = new LyingStore((bytes) => bytes)
        expect(await read(store, content, chunkBytes)).toEqual({ passed: content, error: undefined })
        expect(store.gets).toEqual([undefined])
      }),
      RUNS,
    )
    expect(await read(new LyingStore((bytes) => bytes), Buffer.alloc(0), 10)).toMatchObject({ error: undefined })
  })

  test('fetches a chunk that does not match once more', async () => {
    await fc.assert(
      fc.asyncProperty(...arbitraries, fc.nat(), async (content, chunkBytes, at) => {
        const wrong = at % content.length
        const store = new LyingStore((bytes, isAgain) => (isAgain ? bytes : flip(bytes, wrong)))
        expect(await read(store, content, chunkBytes)).toEqual({ passed: content, error: undefined })
        const from = wrong - (wrong % chunkBytes)
        expect(store.gets).toEqual([undefined, { from, end: Math.min(from + chunkBytes, content.length) }])
      }),
      RUNS,
    )
  })

  test('passes nothing on from the first chunk that still does not match, and says which one it is', async () => {
    const lies: [string, (content: Buffer, at: number) => (bytes: Buffer, isAgain: boolean) => Buffer][] = [
      ['flipped', (_, at) => (bytes, isAgain) => flip(bytes, isAgain ? 0 : at)],
      ['cut', (_, at) => (bytes, isAgain) => (isAgain ? Buffer.alloc(0) : bytes.subarray(0, at))],
      ['replaced', (content, at) => (bytes, isAgain) => (isAgain ? flip(bytes, 0) : flip(Buffer.from(content), at))],
    ]
    for (const [what, lie] of lies) {
      await fc.assert(
        fc.asyncProperty(...arbitraries, fc.nat(), async (content, chunkBytes, at) => {
          const wrong = at % content.length
          const { passed, error } = await read(new LyingStore(lie(content, wrong)), content, chunkBytes)
          const from = wrong - (wrong % chunkBytes)
          expect(error, what).toMatchObject({ code: 'corrupt', message: expect.stringContaining(`at offset ${from} `) })
          expect(passed, what).toEqual(content.subarray(0, from))
        }),
        RUNS,
      )
    }
  })

  test('fails if there is more than was recorded', async () => {
    const store = new LyingStore((bytes) => Buffer.concat([bytes, Buffer.from('more')]))
    const { error } = await read(store, Buffer.from('0123456789'), 4)
    expect(error).toMatchObject({ code: 'corrupt', message: '"a" has more than the 10 bytes that were recorded.' })
  })

  test('does not read a terabyte where a server ignores the range', async () => {
    const content = Buffer.from('0123456789')
    const store = new LyingStore((bytes, isAgain) =>
      isAgain ? Buffer.concat([bytes, Buffer.alloc(1000)]) : flip(bytes, 0),
    )
    expect(await read(store, content, 4)).toEqual({ passed: content, error: undefined })
  })
})
