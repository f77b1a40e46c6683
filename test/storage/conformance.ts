import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadContent, type ObjectStore, type StoreOptions, storeContent } from '@osb-backup/storage'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { failing, generated, generatedSha256, sizeAndSha256, stalling } from './generated.ts'

/** What a kind of store brings to the suite. */
export interface StoreUnderTest {
  /** Makes an empty bucket, container or directory. */
  prepare(): Promise<void>
  /** Opens it. */
  open(options?: StoreOptions): ObjectStore
  /** Opens one that does not exist, on the same server. */
  openMissing(): ObjectStore
  /** Opens it with a wrong password; absent where there are no credentials. */
  openWithWrongCredentials?(): ObjectStore
  /** Opens one on a server that does not answer; absent where there is no server. */
  openUnreachable?(): ObjectStore
  /** How many parts, segments or temporary files there are that belong to no object. */
  countLeftovers(): Promise<number>
  /** Whether the server leaves an object that is there, if one must be new. */
  knowsConditions: boolean
  /** Sizes where the store changes how it uploads. */
  boundaries: readonly number[]
  /** Removes what `prepare` made. */
  cleanUp(): Promise<void>
}

const mebibyte = 1024 * 1024
const largeBytes = 100 * 1_000_000

/** The one suite that every store passes. */
export function describeObjectStore(kind: string, tested: StoreUnderTest): void {
  describe(kind, () => {
    let store: ObjectStore

    beforeAll(async () => {
      await tested.prepare()
      store = tested.open()
    })
    afterAll(() => tested.cleanUp())

    /** A name that no other test uses. */
    const freeName = () => `test-${randomUUID()}`
    const names = async (prefix: string) => (await collected(store.list(prefix))).map((object) => object.name)

    const sizes = [0, 1, ...tested.boundaries.flatMap((size) => [size - 1, size, size + 1]), largeBytes]
    test.each(sizes)('gives back %i bytes as they were', async (size) => {
      const name = freeName()
      const stored = await store.put(name, generated(size))
      expect(stored).toMatchObject({ name, sizeBytes: size })
      expect(await store.head(name)).toMatchObject({ name, sizeBytes: size })
      expect((await collected(store.list(name))).map((object) => object.sizeBytes)).toEqual([size])
      expect(await sizeAndSha256(await store.get(name))).toEqual({ sizeBytes: size, sha256: generatedSha256(size) })
      await store.remove(name)
      expect(await store.head(name)).toBeUndefined()
      expect(await names(name)).toEqual([])
      expect(await tested.countLeftovers()).toBe(0)
    })

    test.each([
      'with space',
      ' leading and trailing ',
      'Ünïcödé-日本語-🎉',
      'per%cent-%2F-%zz',
      'plus+plus',
      'a&b=c;d',
      'what?query',
      'hash#tag',
      `quotes-'single'-"double"-\`back\``,
      'back\\slash',
      'star*[brackets]{braces}<angles>|pipe',
      'plan-id/2026_11_24_db:1@host.tar.gz',
      'deep/er/and/deep/er/still',
      '...three-dots/.hidden',
      'é-composed',
      'e\u0301-decomposed',
    ])('accepts the name %j', async (name) => {
      const prefix = `${freeName()}/`
      await store.put(prefix + name, Readable.from([Buffer.from(name)]))
      expect(await names(prefix)).toEqual([prefix + name])
      expect(await store.head(prefix + name)).toMatchObject({ name: prefix + name })
      expect((await buffer(await store.get(prefix + name))).toString()).toBe(name)
      await store.remove(prefix + name)
      expect(await names(prefix)).toEqual([])
    })

    test.each([
      '',
      '/',
      '/leading',
      'trailing/',
      'a//b',
      '..',
      '../x',
      'a/../b',
      'a/./b',
      'line\nbreak',
      'nul\0',
      'x'.repeat(1001),
      '\ud800',
    ])('rejects the name %j in every call', async (name) => {
      const refusal = { name: 'StoreError', code: 'invalid-name' }
      const content = Readable.from([Buffer.from('x')])
      await expect(store.put(name, content)).rejects.toMatchObject(refusal)
      expect(content.destroyed).toBe(true)
      await expect(store.get(name)).rejects.toMatchObject(refusal)
      await expect(store.head(name)).rejects.toMatchObject(refusal)
      await expect(store.remove(name)).rejects.toMatchObject(refusal)
    })

    test('lists names with the prefix, over several pages, in byte order', async () => {
      const paged = tested.open({ listPageSize: 7 })
      const prefix = `${freeName()}/`
      const numbered = Array.from({ length: 20 }, (_, index) => `${prefix}n/${String(index).padStart(3, '0')}`)
      const odd = ['a-b', 'a/b', 'a0', 'B', 'é', '～', '🎉'].map((name) => prefix + name)
      for (const name of [...odd, ...numbered]) await paged.put(name, Readable.from([Buffer.from(name)]))
      const listed = await collected(paged.list(prefix))
      const sorted = [...odd, ...numbered].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)))
      expect(listed.map((object) => object.name)).toEqual(sorted)
      for (const object of listed) {
        expect(object.sizeBytes).toBe(Buffer.byteLength(object.name))
        expect(Math.abs(object.modifiedAt.getTime() - Date.now())).toBeLessThan(10 * 60_000)
      }
      expect((await collected(paged.list(`${prefix}n/01`))).length).toBe(10)
      expect((await collected(paged.list(`${prefix}a`))).length).toBe(3)
      expect(await collected(paged.list(`${prefix}none`))).toEqual([])
      for (const name of sorted) await paged.remove(name)
    })

    test('knows no object that was never stored', async () => {
      const name = freeName()
      expect(await store.head(name)).toBeUndefined()
      await expect(store.get(name)).rejects.toMatchObject({ name: 'StoreError', code: 'absent', retryable: false })
      await expect(store.remove(name)).resolves.toBeUndefined()
    })

    test('replaces an object of the same name, and leaves nothing of the old one', async () => {
      const name = freeName()
      for (const size of [70 * mebibyte, 10, 40 * mebibyte, 0]) {
        await store.put(name, generated(size))
        expect(await sizeAndSha256(await store.get(name))).toEqual({ sizeBytes: size, sha256: generatedSha256(size) })
      }
      await store.remove(name)
      expect(await tested.countLeftovers()).toBe(0)
    })

    test.each([10, 40 * mebibyte])('removes an object of %i bytes only while it is the same', async (size) => {
      const name = freeName()
      await store.put(name, generated(size))
      const found = await store.head(name)
      if (found === undefined) throw new Error('the object is not stored')
      // Some servers tell seconds only.
      await sleep(1100)
      await store.put(name, generated(size))
      expect(await store.removeIfSame(found)).toBe(false)
      const newer = await store.head(name)
      if (newer === undefined) throw new Error('the newer object was removed')
      expect(await store.removeIfSame({ ...newer, sizeBytes: size + 1 })).toBe(false)
      expect(await store.removeIfSame(newer)).toBe(true)
      expect(await store.head(name)).toBeUndefined()
      expect(await store.removeIfSame(newer)).toBe(true)
      expect(await tested.countLeftovers()).toBe(0)
    })

    test.each([0, 1000, 40 * mebibyte])('creates an object of %i bytes that must be new', async (size) => {
      const name = freeName()
      await store.put(name, generated(size), { mustBeNew: true })
      expect((await store.head(name))?.sizeBytes).toBe(size)
      if (tested.knowsConditions) {
        for (const otherSize of [10, 40 * mebibyte]) {
          const again = store.put(name, generated(otherSize), { mustBeNew: true })
          await expect(again).rejects.toMatchObject({ name: 'StoreError', code: 'exists', retryable: false })
          expect(await sizeAndSha256(await store.get(name))).toEqual({ sizeBytes: size, sha256: generatedSha256(size) })
        }
      }
      await store.remove(name)
      expect(await tested.countLeftovers()).toBe(0)
    })

    test('keeps objects apart whose names begin alike', async () => {
      const name = freeName()
      await store.put(`${name}-a`, generated(40 * mebibyte))
      await store.put(`${name}-a.gz`, generated(40 * mebibyte))
      await store.remove(`${name}-a`)
      expect((await sizeAndSha256(await store.get(`${name}-a.gz`))).sizeBytes).toBe(40 * mebibyte)
      await store.remove(`${name}-a.gz`)
    })

    const broken = [
      { what: 'before anything was sent', size: 0 },
      { what: 'with little sent', size: 100_000 },
      { what: 'half-way', size: 60 * mebibyte },
    ]
    test.each(broken)('leaves nothing of an upload that is cancelled $what', async ({ size }) => {
      const name = freeName()
      const abort = new AbortController()
      const content = stalling(size)
      const putting = store.put(name, content, { signal: abort.signal })
      setTimeout(() => abort.abort(new Error('broken off by the test')), size > mebibyte ? 1500 : 200)
      await expect(putting).rejects.toThrow('broken off by the test')
      expect(content.destroyed).toBe(true)
      expect(await store.head(name)).toBeUndefined()
      expect(await names(name)).toEqual([])
      expect(await tested.countLeftovers()).toBe(0)
    })

    test('leaves nothing of an upload that is cancelled while data flows', async () => {
      for (const delayMs of [0, 5, 20, 50, 100, 200]) {
        const name = freeName()
        const signal = AbortSignal.timeout(delayMs)
        const outcome = await store.put(name, generated(largeBytes * 4), { signal }).catch((error: Error) => error)
        expect(outcome).toMatchObject({ name: 'TimeoutError' })
        expect(await store.head(name)).toBeUndefined()
        expect(await tested.countLeftovers()).toBe(0)
      }
    })

    test.each([1000, 40 * mebibyte])(
      'has all or nothing when cancelled as the content of %i bytes ends',
      async (size) => {
        let broken = 0
        for (const delayMs of [undefined, 0, 1, 2, 3, 4, 6, 8, 12, 20]) {
          const name = freeName()
          const abort = new AbortController()
          const content = generated(size)
          content.once('end', () => {
            if (delayMs === undefined) abort.abort(new Error('broken off'))
            else setTimeout(() => abort.abort(new Error('broken off')), delayMs)
          })
          const putting = store.put(name, content, { signal: abort.signal })
          const outcome = await putting.catch((error: unknown) => error)
          if (outcome instanceof Error) {
            broken++
            expect(outcome.message).toBe('broken off')
            expect(await store.head(name)).toBeUndefined()
          } else {
            expect((await store.head(name))?.sizeBytes).toBe(size)
            await store.remove(name)
          }
          expect(await tested.countLeftovers()).toBe(0)
        }
        expect(broken).toBeGreaterThan(0)
      },
    )

    test.each([1000, 60 * mebibyte])('leaves nothing when the source fails after %i bytes', async (size) => {
      const name = freeName()
      await expect(store.put(name, failing(size, new Error('the dump died')))).rejects.toThrow('the dump died')
      expect(await store.head(name)).toBeUndefined()
      expect(await tested.countLeftovers()).toBe(0)
    })

    test('keeps the old object when its replacement fails', async () => {
      const name = freeName()
      await store.put(name, Readable.from([Buffer.from('good')]))
      await expect(store.put(name, failing(60 * mebibyte, new Error('no')))).rejects.toThrow('no')
      expect((await buffer(await store.get(name))).toString()).toBe('good')
      await store.remove(name)
    })

    test('does nothing under a signal that has fired', async () => {
      const signal = AbortSignal.abort(new Error('too late'))
      const content = generated(10)
      await expect(store.put('never', content, { signal })).rejects.toThrow('too late')
      expect(content.destroyed).toBe(true)
      await expect(store.get('never', { signal })).rejects.toThrow('too late')
      await expect(store.head('never', { signal })).rejects.toThrow('too late')
      await expect(store.remove('never', { signal })).rejects.toThrow('too late')
      await expect(collected(store.list('', { signal }))).rejects.toThrow('too late')
      expect(await store.head('never')).toBeUndefined()
    })

    test('fails a cancelled download with the reason', async () => {
      const name = freeName()
      await store.put(name, generated(20 * mebibyte))
      const abort = new AbortController()
      const stream = await store.get(name, { signal: abort.signal })
      await once(stream, 'readable')
      abort.abort(new Error('enough'))
      await expect(sizeAndSha256(stream)).rejects.toThrow('enough')

      const left = await store.get(name)
      await once(left, 'readable')
      left.destroy()
      await once(left, 'close')
      await store.remove(name)
    })

    test('holds little in memory, whatever the size', async () => {
      const name = freeName()
      const size = 300 * mebibyte
      const before = process.memoryUsage().rss
      let peak = 0
      const watch = setInterval(() => {
        peak = Math.max(peak, process.memoryUsage().rss - before)
      }, 20)
      try {
        await store.put(name, generated(size))
        // A reader that pauses: what it does not take must wait in the store, not in memory.
        let read = 0
        for await (const chunk of await store.get(name)) {
          if (read === 0) await sleep(3000)
          read += chunk.length
        }
        expect(read).toBe(size)
      } finally {
        clearInterval(watch)
        await store.remove(name)
      }
      expect(peak / mebibyte).toBeLessThan(200)
    })

    test('stores compressed and encrypted content and gives it back', async () => {
      const name = `${freeName()}.zst.age`
      const identity = await generateX25519Identity()
      const recipients = [await identityToRecipient(identity)]
      const size = 70_000_000
      const stored = await storeContent(store, name, generated(size), { compression: 'zstd', recipients })
      expect(stored).toMatchObject({ originalSizeBytes: size, originalSha256: generatedSha256(size) })
      expect(await sizeAndSha256(await store.get(name))).toEqual({ sizeBytes: stored.sizeBytes, sha256: stored.sha256 })
      const content = await loadContent(store, name, {
        compression: 'zstd',
        encrypted: true,
        identities: [identity],
        expected: stored,
      })
      expect(await sizeAndSha256(content)).toEqual({ sizeBytes: size, sha256: generatedSha256(size) })
      await store.remove(name)
      expect(await tested.countLeftovers()).toBe(0)
    })

    test('says that a bucket, container or directory is missing', async () => {
      const missing = tested.openMissing()
      await expectCode(missing, 'absent')
      await expect(missing.put('x', generated(40 * mebibyte))).rejects.toMatchObject({ code: 'absent' })
    })

    test.runIf(tested.openWithWrongCredentials)('says that credentials are wrong', async () => {
      const denied = tested.openWithWrongCredentials?.() as ObjectStore
      await expectCode(denied, 'denied')
      await expect(denied.put('x', generated(40 * mebibyte))).rejects.toMatchObject({ code: 'denied' })
    })

    test.runIf(tested.openUnreachable)('says that a server which does not answer may do so later', async () => {
      await expectCode(tested.openUnreachable?.() as ObjectStore, 'temporary')
    })

    async function expectCode(failing: ObjectStore, code: string): Promise<void> {
      const content = generated(10)
      await expect(failing.put('x', content)).rejects.toMatchObject({ name: 'StoreError', code })
      expect(content.destroyed).toBe(true)
      await expect(failing.get('x')).rejects.toMatchObject({ name: 'StoreError', code })
      await expect(failing.head('x')).rejects.toMatchObject({ name: 'StoreError', code })
      await expect(failing.remove('x')).rejects.toMatchObject({ name: 'StoreError', code })
      await expect(collected(failing.list(''))).rejects.toMatchObject({ name: 'StoreError', code })
    }
  })
}

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
