import { setTimeout as sleep } from 'node:timers/promises'
import { loadContent, storeContent } from '@osb-backup/storage'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { expect, test } from 'vitest'
import { generated, generatedSha256, sizeAndSha256 } from '../generated.ts'
import { collected, LARGE_BYTES, MEBIBYTE, MULTIPART_BYTES, type Suite } from './suite.ts'

/** Storing, reading, replacing and removing objects. */
export function testObjects(suite: Suite): void {
  const sizes = [0, 1, ...suite.tested.boundaries.flatMap((size) => [size - 1, size, size + 1]), LARGE_BYTES]
  test.each(sizes)('gives back %i bytes as they were', async (size) => {
    const name = suite.freeName()
    const stored = await suite.store.put(name, generated(size))
    expect(stored).toMatchObject({ name, sizeBytes: size })
    expect(await suite.store.head(name)).toMatchObject({ name, sizeBytes: size })
    expect((await collected(suite.store.list(name))).map((object) => object.sizeBytes)).toEqual([size])
    expect(await sizeAndSha256(await suite.store.get(name))).toEqual({ sizeBytes: size, sha256: generatedSha256(size) })
    await suite.store.remove(name)
    expect(await suite.store.head(name)).toBeUndefined()
    expect(await suite.names(name)).toEqual([])
    expect(await suite.tested.countOrphans()).toBe(0)
  })

  test('knows no object that was never stored', async () => {
    const name = suite.freeName()
    expect(await suite.store.head(name)).toBeUndefined()
    await expect(suite.store.get(name)).rejects.toMatchObject({ name: 'StoreError', code: 'absent', retryable: false })
    await expect(suite.store.remove(name)).resolves.toBeUndefined()
  })

  test('replaces an object of the same name, and leaves nothing of the old one', async () => {
    const name = suite.freeName()
    for (const size of [2 * MULTIPART_BYTES, 10, MULTIPART_BYTES, 0]) {
      await suite.store.put(name, generated(size))
      expect(await sizeAndSha256(await suite.store.get(name))).toEqual({
        sizeBytes: size,
        sha256: generatedSha256(size),
      })
    }
    await suite.store.remove(name)
    expect(await suite.tested.countOrphans()).toBe(0)
  })

  test.each([10, MULTIPART_BYTES])('removes an object of %i bytes only while it is the same', async (size) => {
    const name = suite.freeName()
    await suite.store.put(name, generated(size))
    const found = await suite.store.head(name)
    if (found === undefined) throw new Error('the object is not stored')
    // Some servers report whole seconds only.
    await sleep(1100)
    await suite.store.put(name, generated(size))
    expect(await suite.store.removeIfSame(found)).toBe(false)
    const newer = await suite.store.head(name)
    if (newer === undefined) throw new Error('the newer object was removed')
    expect(await suite.store.removeIfSame({ ...newer, sizeBytes: size + 1 })).toBe(false)
    expect(await suite.store.removeIfSame(newer)).toBe(true)
    expect(await suite.store.head(name)).toBeUndefined()
    expect(await suite.store.removeIfSame(newer)).toBe(true)
    expect(await suite.tested.countOrphans()).toBe(0)
  })

  test.each([0, 1000, MULTIPART_BYTES])('creates an object of %i bytes that must be new', async (size) => {
    const name = suite.freeName()
    await suite.store.put(name, generated(size), { mustBeNew: true })
    expect((await suite.store.head(name))?.sizeBytes).toBe(size)
    if (suite.tested.knowsConditions) {
      for (const otherSize of [10, MULTIPART_BYTES]) {
        const again = suite.store.put(name, generated(otherSize), { mustBeNew: true })
        await expect(again).rejects.toMatchObject({ name: 'StoreError', code: 'exists', retryable: false })
        expect(await sizeAndSha256(await suite.store.get(name))).toEqual({
          sizeBytes: size,
          sha256: generatedSha256(size),
        })
      }
    }
    await suite.store.remove(name)
    expect(await suite.tested.countOrphans()).toBe(0)
  })

  test('keeps objects apart whose names begin alike', async () => {
    const name = suite.freeName()
    await suite.store.put(`${name}-a`, generated(MULTIPART_BYTES))
    await suite.store.put(`${name}-a.gz`, generated(MULTIPART_BYTES))
    await suite.store.remove(`${name}-a`)
    expect((await sizeAndSha256(await suite.store.get(`${name}-a.gz`))).sizeBytes).toBe(MULTIPART_BYTES)
    await suite.store.remove(`${name}-a.gz`)
  })

  test('holds little in memory, whatever the size', async () => {
    const name = suite.freeName()
    const size = 300 * MEBIBYTE
    const before = process.memoryUsage().rss
    let peak = 0
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss - before)
    }, 20)
    try {
      const store = suite.tested.open()
      await store.put(name, generated(size))
      // A reader that pauses: what it does not read must wait in the store, not in memory.
      let read = 0
      for await (const chunk of await store.get(name)) {
        if (read === 0) await sleep(3000)
        read += chunk.length
      }
      expect(read).toBe(size)
    } finally {
      clearInterval(watch)
      await suite.store.remove(name)
    }
    expect(peak / MEBIBYTE).toBeLessThan(200)
  })

  test('stores compressed and encrypted content and gives it back', async () => {
    const name = `${suite.freeName()}.zst.age`
    const identity = await generateX25519Identity()
    const recipients = [await identityToRecipient(identity)]
    const size = 30_000_000
    const stored = await storeContent(suite.store, name, generated(size), { compression: 'zstd', recipients })
    expect(stored).toMatchObject({ originalSizeBytes: size, originalSha256: generatedSha256(size) })
    expect(await sizeAndSha256(await suite.store.get(name))).toEqual({
      sizeBytes: stored.sizeBytes,
      sha256: stored.sha256,
    })
    const content = await loadContent(suite.store, name, {
      compression: 'zstd',
      encrypted: true,
      identities: [identity],
      expected: stored,
    })
    expect(await sizeAndSha256(content)).toEqual({ sizeBytes: size, sha256: generatedSha256(size) })
    await suite.store.remove(name)
    expect(await suite.tested.countOrphans()).toBe(0)
  })
}
