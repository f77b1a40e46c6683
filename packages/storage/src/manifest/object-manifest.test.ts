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
