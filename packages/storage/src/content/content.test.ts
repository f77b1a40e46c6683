import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { type Compression, compressions } from '@osb-backup/core'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { CHUNK_BYTES } from '../chunks/chunk-list.ts'
import type { ObjectStore } from '../object-store.ts'
import { openStore } from '../open-store.ts'
import { loadFile } from './content-file.ts'
import { loadContent } from './load-content.ts'
import { storeContent } from './store-content.ts'

const root = await mkdtemp(join(tmpdir(), 'osb-content-'))
const store = openStore({ type: 'file', directory: root }, { retry: false })
let identity = ''
let recipient = ''
let otherIdentity = ''

beforeAll(async () => {
  identity = await generateX25519Identity()
  recipient = await identityToRecipient(identity)
  otherIdentity = await generateX25519Identity()
})
afterAll(() => rm(root, { recursive: true }))

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** A stream that gives bytes in chunks of a size that fits no boundary. */
function streamOf(bytes: Buffer, chunkBytes = 100_003): Readable {
  const chunks: Buffer[] = []
  for (let offset = 0; offset < bytes.length; offset += chunkBytes)
    chunks.push(bytes.subarray(offset, offset + chunkBytes))
  return Readable.from(chunks)
}

const put = (name: string, bytes: Buffer, compression: Compression, encrypted: boolean) =>
  storeContent(store, name, streamOf(bytes), { compression, recipients: encrypted ? [recipient] : [] })

const get = async (name: string, compression: Compression, encrypted: boolean, identities = [identity]) =>
  buffer(await loadContent(store, name, { compression, encrypted, identities }))

const chunk = 64 * 1024
const variants = compressions.flatMap((compression) => [false, true].map((encrypted) => ({ compression, encrypted })))

describe.each(variants)('content, compression $compression, encrypted $encrypted', ({ compression, encrypted }) => {
  test('comes back as it was, whatever its size', async () => {
    const boundaries = [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk - 1, 2 * chunk, 2 * chunk + 1, 5 * chunk]
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 300_000 }), async (size) => {
        const bytes = randomBytes(size)
        const stored = await put('any', bytes, compression, encrypted)
        const onDisk = await readFile(join(root, 'any'))
        expect(stored).toEqual({
          name: 'any',
          sizeBytes: onDisk.length,
          sha256: sha256(onDisk),
          chunks: {
            objectBytes: onDisk.length,
            chunkBytes: CHUNK_BYTES,
            sha256: onDisk.length === 0 ? [] : [sha256(onDisk)],
          },
          originalSizeBytes: size,
          originalSha256: sha256(bytes),
        })
        const back = await get('any', compression, encrypted)
        expect(back.equals(bytes)).toBe(true)
      }),
      { examples: boundaries.map((size): [number] => [size]), numRuns: boundaries.length + 6 },
    )
  })

  if (compression === 'none' && !encrypted) return

  test('always fails when it is truncated', async () => {
    await put('cut', randomBytes(3 * chunk), compression, encrypted)
    const whole = await readFile(join(root, 'cut'))
    const lengths = [0, 1, 10, 100, 216, chunk + 216, 2 * chunk + 248, whole.length - 16, whole.length - 1]
    const random = Array.from({ length: 20 }, () => Math.floor(Math.random() * whole.length))
    for (const length of [...lengths, ...random]) {
      await writeFile(join(root, 'cut'), whole.subarray(0, length))
      await expect(get('cut', compression, encrypted), `cut to ${length}`).rejects.toMatchObject({ code: 'corrupt' })
    }
  })

  test('is never delivered to its end with a flipped bit', async () => {
    const bytes = randomBytes(2 * chunk)
    await put('flipped', bytes, compression, encrypted)
    const whole = await readFile(join(root, 'flipped'))
    const positions = Array.from({ length: 25 }, (_, index) => Math.floor((index * (whole.length - 1)) / 24))
    for (const position of positions) {
      const damaged = Buffer.from(whole)
      damaged[position] = (damaged[position] ?? 0) ^ 1
      await writeFile(join(root, 'flipped'), damaged)
      // A bit of gzip's header, such as its time, may change without harm.
      const result = await get('flipped', compression, encrypted).catch((error) => error)
      if (Buffer.isBuffer(result)) expect(result.equals(bytes), `bit at ${position}`).toBe(true)
      else expect(['corrupt', 'wrong-key'], `bit at ${position}: ${result}`).toContain(result.code)
    }
  })

  test('rejects a second copy behind the first or returns both', async () => {
    const bytes = randomBytes(1000)
    await put('twice', bytes, compression, encrypted)
    const once = await readFile(join(root, 'twice'))
    await writeFile(join(root, 'twice'), Buffer.concat([once, once]))
    const result = await get('twice', compression, encrypted).catch((error) => error)
    if (Buffer.isBuffer(result)) expect(result.equals(Buffer.concat([bytes, bytes]))).toBe(true)
    else expect(result).toMatchObject({ name: 'ContentError', code: 'corrupt' })
  })
})

describe('keys', () => {
  test('says so when no identity opens it', async () => {
    await put('locked', Buffer.from('content'), 'zstd', true)
    await expect(get('locked', 'zstd', true, [otherIdentity])).rejects.toMatchObject({ code: 'wrong-key' })
    await expect(get('locked', 'zstd', true, [])).rejects.toMatchObject({ code: 'wrong-key' })
    const opened = await get('locked', 'zstd', true, [otherIdentity, identity])
    expect(opened.toString()).toBe('content')
  })

  test('rejects an invalid key without showing it', async () => {
    const options = { compression: 'none', recipients: ['AGE-SECRET-KEY-1SHOULDNOTBEHERE'] } as const
    const storing = storeContent(store, 'invalid', Readable.from(['x']), options)
    await expect(storing).rejects.toMatchObject({ code: 'invalid-key', message: expect.not.stringContaining('SHOULD') })
    await expect(get('locked', 'zstd', true, ['nonsense'])).rejects.toMatchObject({ code: 'invalid-key' })
    expect(await store.head('invalid')).toBeUndefined()
  })

  test('rejects content that was never encrypted', async () => {
    await put('plain', Buffer.from('age-encryption is a nice thing'), 'none', false)
    await expect(get('plain', 'none', true)).rejects.toMatchObject({ code: 'corrupt' })
  })
})

describe('a transfer that does not finish', () => {
  const plain = { compression: 'zstd', recipients: [] } as const

  test('leaves nothing and reports the source when that fails', async () => {
    const source = Readable.from(
      (async function* () {
        yield randomBytes(1_000_000)
        throw new Error('the dump died')
      })(),
    )
    await expect(storeContent(store, 'dead', source, plain)).rejects.toThrow('the dump died')
    expect(await store.head('dead')).toBeUndefined()
    expect((await readdir(root)).filter((name) => name.startsWith('.'))).toEqual([])
  })

  test('leaves nothing and reports the reason when it is cancelled, even if the source delivers nothing', async () => {
    const abort = new AbortController()
    const source = new Readable({ read: () => undefined })
    source.push(randomBytes(1_000_000))
    setTimeout(() => abort.abort(new Error('cancelled by hand')), 50)
    const storing = storeContent(store, 'broken-off', source, { ...plain, signal: abort.signal })
    await expect(storing).rejects.toThrow('cancelled by hand')
    expect(source.destroyed).toBe(true)
    expect(await store.head('broken-off')).toBeUndefined()
  })

  test('keeps an object that replaced it', async () => {
    const replaced: ObjectStore = {
      location: store.location,
      get: (...call) => store.get(...call),
      head: (...call) => store.head(...call),
      list: (...call) => store.list(...call),
      remove: (...call) => store.remove(...call),
      removeIfSame: (...call) => store.removeIfSame(...call),
      async put(name, content, options) {
        const stored = await store.put(name, content, options)
        await store.put(name, streamOf(randomBytes(10)))
        return stored
      },
    }
    const storing = storeContent(replaced, 'replaced', streamOf(randomBytes(1000)), plain)
    await expect(storing).rejects.toMatchObject({ code: 'mismatch' })
    expect(await store.head('replaced')).toMatchObject({ sizeBytes: 10 })
  })

  test('reports the store when that fails, and destroys the source', async () => {
    const absent = openStore({ type: 'file', directory: join(root, 'missing') }, { retry: false })
    const source = streamOf(randomBytes(5_000_000))
    await expect(storeContent(absent, 'x', source, plain)).rejects.toMatchObject({ name: 'StoreError', code: 'absent' })
    expect(source.destroyed).toBe(true)
  })

  test('reports a listener that fails, and leaves nothing', async () => {
    const onProgress = () => {
      throw new Error('the listener failed')
    }
    const storing = storeContent(store, 'listened', streamOf(randomBytes(1000)), { ...plain, onProgress })
    await expect(storing).rejects.toThrow('the listener failed')
    expect(await store.head('listened')).toBeUndefined()
  })

  test('closes the object when its reader stops', async () => {
    await put('large', randomBytes(3_000_000), 'none', false)
    const stream = await loadContent(store, 'large', { compression: 'none', encrypted: false, identities: [] })
    await stream.iterator().next()
    stream.destroy()
    await new Promise((resolve) => stream.once('close', resolve))
    const abort = new AbortController()
    const other = await loadContent(store, 'large', {
      compression: 'none',
      encrypted: false,
      identities: [],
      signal: abort.signal,
    })
    setTimeout(() => abort.abort(new Error('enough')), 10)
    await expect(
      (async () => {
        for await (const _ of other) await new Promise((resolve) => setTimeout(resolve, 20))
      })(),
    ).rejects.toThrow('enough')
  })
})

describe('a file', () => {
  test('is downloaded as it is, and appears only when it was verified', async () => {
    const bytes = randomBytes(700_000)
    const directory = await mkdtemp(join(tmpdir(), 'osb-file-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    const stored = await storeContent(store, 'files/dump', streamOf(bytes), {
      compression: 'none',
      recipients: [],
    })
    await loadFile(store, 'files/dump', join(directory, 'back'), { expected: stored })
    expect((await readFile(join(directory, 'back'))).equals(bytes)).toBe(true)

    const expected = { sha256: '0'.repeat(64) }
    const wrong = loadFile(store, 'files/dump', join(directory, 'wrong'), { expected })
    await expect(wrong).rejects.toMatchObject({ code: 'mismatch' })
    expect((await readdir(directory)).sort()).toEqual(['back'])
  })
})
