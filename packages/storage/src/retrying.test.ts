import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, expect, test } from 'vitest'
import { FileStore } from './file/file-store.ts'
import type { CallOptions, StoredObject } from './object-store.ts'
import { retrying, withRetries } from './retrying.ts'
import { StoreError, type StoreErrorCode } from './store-error.ts'

const root = await mkdtemp(join(tmpdir(), 'osb-retrying-'))
afterAll(() => rm(root, { recursive: true }))
const options = { outageMs: 10_000, firstDelayMs: 1 }

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

test('retries temporary failures until the outage has lasted too long, with a last attempt at its end', async () => {
  const store = new StumblingStore()
  store.failures = Array.from({ length: 8 }, () => 'temporary' as const)
  await expect(retrying(store, options).head('a')).resolves.toBeUndefined()
  expect(store.calls).toBe(9)
  store.failures = Array.from({ length: 3 }, () => 'temporary' as const)
  const impatient = retrying(store, { outageMs: 300, firstDelayMs: 3_600_000, longestDelayMs: 3_600_000 })
  await expect(impatient.head('a')).rejects.toMatchObject({
    code: 'temporary',
    message: expect.stringMatching(/^stumbled It failed for \d s\.$/),
  })
  expect(store.calls).toBe(11)
})

test('does not retry at all if that is turned off', async () => {
  const store = new StumblingStore()
  store.failures = ['temporary']
  await expect(retrying(store, { outageMs: 0 }).head('a')).rejects.toMatchObject({ message: 'stumbled' })
  expect(store.calls).toBe(1)
})

test('waits for as long as the store asks for, but not beyond the limit', async () => {
  const busy = new StoreError('temporary', 'busy', { retryAfterMs: 200 })
  const calls: number[] = []
  const call = () => {
    calls.push(performance.now())
    return calls.length < 3 ? Promise.reject(busy) : Promise.resolve('done')
  }
  await expect(withRetries(call, options)).resolves.toBe('done')
  const [first = 0, second = 0, third = 0] = calls
  // A timer may fire a millisecond early.
  expect(Math.min(second - first, third - second)).toBeGreaterThanOrEqual(199)
  const forLong = () => Promise.reject(new StoreError('temporary', 'busy', { retryAfterMs: 3_600_000 }))
  await expect(withRetries(forLong, { outageMs: 50 })).rejects.toMatchObject({ code: 'temporary' })
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
  const waiting = retrying(store, { outageMs: 3_600_000, firstDelayMs: 60_000, longestDelayMs: 60_000 }).head('a', {
    signal,
  })
  await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' })
})
