import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { afterAll, describe, expect, test } from 'vitest'
import { CHUNK_BYTES } from '../chunks/chunk-list.ts'
import { writeManifest } from '../manifest/object-manifest.ts'
import { openStore } from '../open-store.ts'
import { loadFile } from './content-file.ts'
import type { StoredContent } from './content-options.ts'
import { loadContent } from './load-content.ts'
import { storeContent } from './store-content.ts'
import { verifyObject } from './verify-object.ts'

const root = await mkdtemp(join(tmpdir(), 'osb-expected-'))
const store = openStore({ type: 'file', directory: root }, { retry: false })
afterAll(() => rm(root, { recursive: true }))

const put = (name: string, bytes: Buffer, recipients: string[] = []) =>
  storeContent(store, name, Readable.from([bytes]), { compression: 'none', recipients })

describe('expected content', () => {
  const options = { compression: 'none', encrypted: false, identities: [] } as const

  test('is checked before the first byte of a plain object', async () => {
    const { sha256: digest } = await put('known', Buffer.from('abc'))
    await writeFile(join(root, 'known'), 'abd')
    const loading = loadContent(store, 'known', { ...options, expected: { sha256: digest } })
    await expect(loading).rejects.toMatchObject({ name: 'ContentError', code: 'mismatch' })
    const cut = loadContent(store, 'known', { ...options, expected: { sizeBytes: 4 } })
    await expect(cut).rejects.toMatchObject({ code: 'mismatch' })
  })

  test('is checked before the first byte of an encrypted object', async () => {
    const identity = await generateX25519Identity()
    await put('known.age', randomBytes(500_000), [await identityToRecipient(identity)])
    const encrypted = { compression: 'none', encrypted: true, identities: [identity] } as const
    const loading = loadContent(store, 'known.age', { ...encrypted, expected: { sha256: '0'.repeat(64) } })
    await expect(loading).rejects.toMatchObject({ code: 'mismatch' })
  })

  test('is checked chunk by chunk where the root of its manifest was recorded', async () => {
    const content = randomBytes(2 * CHUNK_BYTES + 100)
    const stored = await put('listed', content)
    const expected = {
      sizeBytes: stored.sizeBytes,
      sha256: stored.sha256,
      root: (await describeObject('listed', stored)).root,
    }
    const back = await buffer(await loadContent(store, 'listed', { ...options, expected }))
    expect(back.equals(content)).toBe(true)
    const changed = Buffer.from(content)
    changed[CHUNK_BYTES + 5] = (changed[CHUNK_BYTES + 5] ?? 0) ^ 1
    await writeFile(join(root, 'listed'), changed)
    let passed = 0
    const reading = (async () => {
      for await (const bytes of await loadContent(store, 'listed', { ...options, expected })) passed += bytes.length
    })()
    const corrupt = { code: 'corrupt', message: expect.stringContaining(`at offset ${CHUNK_BYTES} `) }
    await expect(reading).rejects.toMatchObject(corrupt)
    expect(passed).toBe(CHUNK_BYTES)
    await expect(verifyObject(store, 'listed', expected)).rejects.toMatchObject(corrupt)
    await expect(verifyObject(store, 'listed', expected, { samplePercent: 100 })).rejects.toMatchObject(corrupt)
  })

  test('without its manifest it is read twice, and the second time compared with the first', async () => {
    const content = randomBytes(CHUNK_BYTES + 100)
    const { sizeBytes, sha256: digest } = await put('bare', content)
    const expected = { sizeBytes, sha256: digest, root: '0'.repeat(64) }
    expect((await buffer(await loadContent(store, 'bare', { ...options, expected }))).equals(content)).toBe(true)
    const onlyRoot = loadContent(store, 'bare', { ...options, expected: { root: '0'.repeat(64) } })
    await expect(onlyRoot).rejects.toMatchObject({ code: 'mismatch' })
  })

  test('is the whole content before anything is passed on, also where only the size is known', async () => {
    const sizes = { head: 3, get: 2 }
    const cut = Object.assign(openStore({ type: 'file', directory: root }), {
      head: async (name: string) => ({ name, sizeBytes: sizes.head, modifiedAt: new Date() }),
      get: async () => Readable.from([Buffer.alloc(sizes.get)], { objectMode: false }),
    })
    const load = () => loadContent(cut, 'old', { ...options, expected: { sizeBytes: 3 } })
    await expect(load()).rejects.toMatchObject({ code: 'mismatch' })
    sizes.get = 3
    const passed = await load()
    sizes.get = 4
    expect((await buffer(passed)).length).toBe(3)
  })

  test('ends the reading of an object that has more bytes than were recorded', async () => {
    let sentBytes = 0
    const endless = Object.assign(openStore({ type: 'file', directory: root }), {
      head: async (name: string) => ({ name, sizeBytes: 3, modifiedAt: new Date() }),
      get: async () =>
        Readable.from(
          (function* () {
            for (; sentBytes < 1e9; sentBytes += 65_536) yield Buffer.alloc(65_536)
          })(),
          { objectMode: false },
        ),
    })
    const mismatch = { code: 'mismatch', message: expect.stringContaining('more than the 3 bytes') }
    const expected = { sizeBytes: 3, sha256: '0'.repeat(64) }
    await expect(loadContent(endless, 'x', { ...options, expected })).rejects.toMatchObject(mismatch)
    await expect(verifyObject(endless, 'x', expected)).rejects.toMatchObject(mismatch)
    await expect(loadFile(endless, 'x', join(root, 'file'), { expected })).rejects.toMatchObject(mismatch)
    expect(sentBytes).toBeLessThan(1e8)
  })

  test('is not verified by its size alone where the root of its manifest was recorded', async () => {
    const { sizeBytes } = await put('rooted', Buffer.from('abc'))
    const expected = { sizeBytes, root: '0'.repeat(64) }
    for (const samplePercent of [undefined, 5]) {
      await expect(verifyObject(store, 'rooted', expected, { samplePercent })).rejects.toMatchObject({
        code: 'mismatch',
      })
    }
  })

  test('a sample reads a part of the chunks', async () => {
    const stored = await put('sampled', randomBytes(20 * CHUNK_BYTES))
    const { root } = await describeObject('sampled', stored)
    const verify = (samplePercent?: number) => verifyObject(store, 'sampled', { root }, { samplePercent })
    expect(await verify()).toMatchObject({ verifiedBytes: 20 * CHUNK_BYTES })
    expect(await verify(1)).toMatchObject({ sizeBytes: 20 * CHUNK_BYTES, verifiedBytes: CHUNK_BYTES })
    expect(await verify(25)).toMatchObject({ verifiedBytes: 5 * CHUNK_BYTES })
    expect(await verify(100)).toMatchObject({ verifiedBytes: 20 * CHUNK_BYTES })
  })
})

/** Writes the manifest of a stored object. */
function describeObject(name: string, { sizeBytes, sha256: digest, chunks }: StoredContent) {
  const now = new Date().toISOString()
  return writeManifest(store, name, {
    item: 'db',
    startedAt: now,
    storedAt: now,
    stored: { sizeBytes, sha256: digest },
    chunks: { sizeBytes: chunks.chunkBytes, sha256: [...chunks.sha256] },
    transforms: { compression: 'none', encryption: 'none' },
    recipients: [],
  })
}
