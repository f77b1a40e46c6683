import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, describe, expect, test } from 'vitest'
import { openStore } from '../open-store.ts'
import {
  chunkListOf,
  isManifestName,
  manifestName,
  readManifest,
  removeExpected,
  removeWithManifest,
  writeManifest,
} from './object-manifest.ts'

const root = await mkdtemp(join(tmpdir(), 'osb-manifest-'))
const store = openStore({ type: 'file', directory: root }, { retry: false })
afterAll(() => rm(root, { recursive: true }))

const name = 'plan/db_2026_11_24_shop.dump.zst.age'
const facts = {
  instance: { id: 'i-1', name: 'shop' },
  plan: { id: 'p-1', name: 'nightly' },
  item: 'shop',
  host: 'db',
  job: 'j-1',
  startedAt: '2026-11-24T01:00:00.000Z',
  storedAt: '2026-11-24T01:05:00.000Z',
  stored: { sizeBytes: 10, sha256: 'a'.repeat(64) },
  original: { sizeBytes: 20, sha256: 'b'.repeat(64) },
  transforms: { compression: 'zstd', encryption: 'age' },
  recipients: ['age1abc'],
  scriptPack: { name: 'postgresql', form: 2, type: '.dump' },
} as const

const write = () => writeManifest(store, name, { ...facts, recipients: [...facts.recipients] })

describe('a manifest', () => {
  test('is stored beside its object as JSON, and can be read back', async () => {
    const written = await write()
    expect(written.manifest).toMatchObject({
      ...facts,
      kind: 'osb-backup-object',
      version: 1,
      object: 'db_2026_11_24_shop.dump.zst.age',
    })
    expect(JSON.parse(await readFile(join(root, `${name}.manifest.json`), 'utf8'))).toEqual(written.manifest)
    expect(await readManifest(store, name)).toEqual(written)
    expect(isManifestName(manifestName(name))).toBe(true)
    expect(isManifestName(name)).toBe(false)
  })

  test('has the digests of chunks since its second version', async () => {
    const chunks = { sizeBytes: 8 * 1024 ** 2, sha256: ['a'.repeat(64)] }
    const { manifest } = await writeManifest(store, name, { ...facts, recipients: [...facts.recipients], chunks })
    expect(manifest).toMatchObject({ version: 2, chunks })
    expect(chunkListOf(manifest)).toEqual({ objectBytes: 10, chunkBytes: chunks.sizeBytes, sha256: chunks.sha256 })
    expect(chunkListOf((await write()).manifest)).toBeUndefined()
  })

  test('is rejected if it is not the one whose root was recorded', async () => {
    const { root: recorded } = await write()
    expect(await readManifest(store, name, { root: recorded })).toMatchObject({ root: recorded })
    const path = join(root, manifestName(name))
    await writeFile(path, (await readFile(path, 'utf8')).replace('nightly', 'hourly'))
    await expect(readManifest(store, name, { root: recorded })).rejects.toMatchObject({ code: 'mismatch' })
  })

  test('may be missing', async () => {
    expect(await readManifest(store, 'plan/other')).toBeUndefined()
  })

  test('is rejected if it is damaged or describes another object', async () => {
    await write()
    const path = join(root, manifestName(name))
    const text = await readFile(path, 'utf8')
    for (const wrong of [
      '',
      '{',
      '{}',
      text.replace('db_2026', 'db_2025'),
      text.replace('"version": 1', '"version": 3'),
    ]) {
      await writeFile(path, wrong)
      await expect(readManifest(store, name)).rejects.toMatchObject({ name: 'ContentError', code: 'corrupt' })
    }
  })

  test('is not read beyond the size that it may have, whatever its size was when it was looked up', async () => {
    await write()
    let chunksRead = 0
    async function* endless() {
      for (const chunk = Buffer.alloc(1024 ** 2); chunksRead < 100; chunksRead++) yield chunk
    }
    const growing = Object.assign(openStore({ type: 'file', directory: root }, { retry: false }), {
      get: async () => Readable.from(endless()),
    })
    await expect(readManifest(growing, name)).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('too large'),
    })
    expect(chunksRead).toBeLessThan(100)
  })

  test.each([
    ['brackets that are never closed', '['.repeat(2_000_000)],
    ['empty lists', `{"version": 2, "odd": [${'[],'.repeat(1_000_000)}0]}`],
    ['chunks', `{"version": 2, "chunks": {"sizeBytes": 65536, "sha256": [${'"",'.repeat(1_000_001)}""]}}`],
  ])('is not parsed if it has a million %s', async (_, text) => {
    await writeFile(join(root, manifestName(name)), text)
    await expect(readManifest(store, name)).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('too large'),
    })
  })

  test('gives no object properties of a prototype', async () => {
    await write()
    const path = join(root, manifestName(name))
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.replace('{', '{ "__proto__": { "metadata": { "a": 1 }, "chunks": { "sha256": 1 } },'))
    const read = await readManifest(store, name)
    expect([read?.manifest.metadata, read?.manifest.chunks]).toEqual([undefined, undefined])
    expect(read && chunkListOf(read.manifest)).toBeUndefined()
  })

  test.each([
    ['fewer chunks', { sizeBytes: 65_536, sha256: [] }],
    ['more chunks', { sizeBytes: 65_536, sha256: ['a'.repeat(64), 'a'.repeat(64)] }],
    ['chunks of no size', { sizeBytes: 0, sha256: [] }],
    ['chunks of a negative size', { sizeBytes: -1, sha256: [] }],
    ['chunks that fill the memory', { sizeBytes: 2 ** 40, sha256: ['a'.repeat(64)] }],
    ['a digest that is none', { sizeBytes: 65_536, sha256: ['__proto__'] }],
  ])('with %s yields no digests', async (_, chunks) => {
    await write()
    const path = join(root, manifestName(name))
    const manifest = { ...JSON.parse(await readFile(path, 'utf8')), version: 2, chunks }
    await writeFile(path, JSON.stringify(manifest))
    const read = await readManifest(store, name).catch(({ code }: { code: string }) => code)
    expect(typeof read === 'object' ? chunkListOf(read.manifest) : read).toBe(
      typeof read === 'object' ? undefined : 'corrupt',
    )
  })

  test('has no digests of chunks if they are more than can be read back', async () => {
    const sha256 = Array<string>(750_001).fill('a'.repeat(64))
    const listed = { ...facts, recipients: [], chunks: { sizeBytes: 65_536, sha256 } }
    const { manifest, root: recorded } = await writeManifest(store, name, listed)
    expect(manifest).toMatchObject({ version: 1, stored: facts.stored })
    expect(manifest.chunks).toBeUndefined()
    expect(await readManifest(store, name, { root: recorded })).toMatchObject({ root: recorded })
  })

  test('is not written if its content is not valid', async () => {
    const stored = { sizeBytes: -1, sha256: 'x' }
    await expect(writeManifest(store, 'odd', { ...facts, recipients: [], stored })).rejects.toThrow()
    expect(await store.head(manifestName('odd'))).toBeUndefined()
  })

  test('is removed with its object, also if one of them is already removed', async () => {
    await store.put(name, Readable.from(['x']))
    await write()
    await removeWithManifest(store, name)
    expect(await store.head(name)).toBeUndefined()
    expect(await store.head(manifestName(name))).toBeUndefined()
    await write()
    await removeWithManifest(store, name)
    expect(await store.head(manifestName(name))).toBeUndefined()
  })

  test('is removed with the expected object alone', async () => {
    const isStored = async () => [await store.head(name), await store.head(manifestName(name))].map((each) => !!each)
    await store.put(name, Readable.from(['old']))
    await write()
    expect(await removeExpected(store, name, async ({ sizeBytes }) => sizeBytes === 5)).toBe(false)
    expect(await isStored()).toEqual([true, true])
    // A newer object that appears after it was judged.
    const replace = async () => {
      await store.put(name, Readable.from(['newer']))
      return true
    }
    expect(await removeExpected(store, name, replace)).toBe(false)
    expect(await isStored()).toEqual([true, true])
    expect(await removeExpected(store, name, async ({ sizeBytes }) => sizeBytes === 5)).toBe(true)
    expect(await isStored()).toEqual([false, false])
    await write()
    expect(await removeExpected(store, name, async () => false)).toBe(true)
    expect(await isStored()).toEqual([false, false])
  })
})
