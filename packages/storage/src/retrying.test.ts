import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, expect, test } from 'vitest'
import { FileStore } from './file/file-store.ts'
import type { CallOptions, StoredObject } from './object-store.ts'
import { retrying } from './retrying.ts'
import { StoreError, type StoreErrorCode } from './store-error.ts'

const root = await mkdtemp(join(tmpdir(), 'osb-retrying-'))
afterAll(() => rm(root, { recursive: true }))
const options = { attempts: 3, firstDelayMs: 1 }

/** A real store whose next calls fail. */
class StumblingStore extends FileStore {
  /** What the next calls fail with; undefined lets one pass. */
  failures: (StoreErrorCode | undefined)[] = []
  calls = 0

  constructor() {
    super({ type: 'file', directory: root })
  }

  #stumble() {
    this.calls++
    const code = this.failures.shift()
    if (code) throw new StoreError(code, 'stumbled')
  }

  override async put(name: string, content: Readable, callOptions?: CallOptions) {
    this.#stumble()
    return super.put(name, content, callOptions)
  }

  override async head(name: string, callOptions?: CallOptions) {
    this.#stumble()
    return super.head(name, callOptions)
  }

  override async *list(prefix: string, callOptions?: CallOptions): AsyncGenerator<StoredObject> {
    this.#stumble()
    for await (const object of super.list(prefix, callOptions)) {
      yield object
      this.#stumble()
    }
  }
}

test('retries temporary failures, up to the limit', async () => {
  const store = new StumblingStore()
  store.failures = ['temporary', 'temporary']
  await expect(retrying(store, options).head('a')).resolves.toBeUndefined()
  expect(store.calls).toBe(3)
  store.failures = ['temporary', 'temporary', 'temporary', 'temporary']
  await expect(retrying(store, options).head('a')).rejects.toMatchObject({ code: 'temporary' })
  expect(store.calls).toBe(6)
})

test('does not retry permanent failures', async () => {
  const store = new StumblingStore()
  store.failures = ['denied']
  await expect(retrying(store, options).head('a')).rejects.toMatchObject({ code: 'denied' })
  expect(store.calls).toBe(1)
})

test('never reads content twice', async () => {
  const store = new StumblingStore()
  store.failures = ['temporary']
  const putting = retrying(store, options).put('a', Readable.from(['x']))
  await expect(putting).rejects.toMatchObject({ code: 'temporary' })
  expect(store.calls).toBe(1)
})

test('resumes an interrupted list, and yields every object once', async () => {
  const store = new StumblingStore()
  for (const name of ['l/1', 'l/2', 'l/3']) await store.put(name, Readable.from([Buffer.from(name)]))
  store.failures = [undefined, undefined, 'temporary', 'temporary', undefined, undefined, undefined, 'temporary']
  const names: string[] = []
  for await (const object of retrying(store, options).list('l/')) names.push(object.name)
  expect(names).toEqual(['l/1', 'l/2', 'l/3'])
})

test('stops waiting when the signal fires', async () => {
  const store = new StumblingStore()
  store.failures = Array.from({ length: 3 }, () => 'temporary' as const)
  const signal = AbortSignal.timeout(20)
  const waiting = retrying(store, { attempts: 3, firstDelayMs: 60_000 }).head('a', { signal })
  await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' })
})
