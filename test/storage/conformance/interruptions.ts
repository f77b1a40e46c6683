import { once } from 'node:events'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { failing, generated, sizeAndSha256, stalling } from '../generated.ts'
import { collected, MEBIBYTE, MULTIPART_BYTES, type Suite } from './suite.ts'

/** More than any server stores before a test ends. */
const ENDLESS_BYTES = 1e12

/** Transfers that are cancelled or whose source fails. */
export function testInterruptions(suite: Suite): void {
  const broken = [
    { what: 'before anything was sent', size: 0 },
    { what: 'with little sent', size: 100_000 },
    { what: 'half-way', size: 2 * MULTIPART_BYTES },
  ]
  test.each(broken)('leaves nothing of an upload that is cancelled $what', async ({ size }) => {
    const name = suite.freeName()
    const abort = new AbortController()
    const content = stalling(size)
    const putting = suite.store.put(name, content, { signal: abort.signal })
    setTimeout(() => abort.abort(new Error('broken off by the test')), size > MEBIBYTE ? 1000 : 200)
    await expect(putting).rejects.toThrow('broken off by the test')
    expect(content.destroyed).toBe(true)
    expect(await suite.store.head(name)).toBeUndefined()
    expect(await suite.names(name)).toEqual([])
    expect(await suite.tested.countOrphans()).toBe(0)
  })

  test('leaves nothing of an upload that is cancelled while data flows', async () => {
    for (const delayMs of [0, 5, 20, 50, 100, 200]) {
      const name = suite.freeName()
      const signal = AbortSignal.timeout(delayMs)
      const outcome = await suite.store.put(name, generated(ENDLESS_BYTES), { signal }).catch((error: Error) => error)
      expect(outcome).toMatchObject({ name: 'TimeoutError' })
      expect(await suite.store.head(name)).toBeUndefined()
      expect(await suite.tested.countOrphans()).toBe(0)
    }
  })

  test.each([1000, MULTIPART_BYTES])(
    'has all or nothing when cancelled as the content of %i bytes ends',
    async (size) => {
      let broken = 0
      for (const delayMs of [undefined, 0, 1, 2, 3, 4, 6, 8, 12, 20]) {
        const name = suite.freeName()
        const abort = new AbortController()
        const content = generated(size)
        content.once('end', () => {
          if (delayMs === undefined) abort.abort(new Error('broken off'))
          else setTimeout(() => abort.abort(new Error('broken off')), delayMs)
        })
        const putting = suite.store.put(name, content, { signal: abort.signal })
        const outcome = await putting.catch((error: unknown) => error)
        if (outcome instanceof Error) {
          broken++
          expect(outcome.message).toBe('broken off')
          expect(await suite.store.head(name)).toBeUndefined()
        } else {
          expect((await suite.store.head(name))?.sizeBytes).toBe(size)
          await suite.store.remove(name)
        }
        expect(await suite.tested.countOrphans()).toBe(0)
      }
      expect(broken).toBeGreaterThan(0)
    },
  )

  test.each([1000, 2 * MULTIPART_BYTES])('leaves nothing when the source fails after %i bytes', async (size) => {
    const name = suite.freeName()
    await expect(suite.store.put(name, failing(size, new Error('the dump died')))).rejects.toThrow('the dump died')
    expect(await suite.store.head(name)).toBeUndefined()
    expect(await suite.tested.countOrphans()).toBe(0)
  })

  test('keeps the old object when its replacement fails', async () => {
    const name = suite.freeName()
    await suite.store.put(name, Readable.from([Buffer.from('good')]))
    await expect(suite.store.put(name, failing(2 * MULTIPART_BYTES, new Error('no')))).rejects.toThrow('no')
    expect((await buffer(await suite.store.get(name))).toString()).toBe('good')
    await suite.store.remove(name)
  })

  test('does nothing under a signal that has fired', async () => {
    const signal = AbortSignal.abort(new Error('too late'))
    const content = generated(10)
    await expect(suite.store.put('never', content, { signal })).rejects.toThrow('too late')
    expect(content.destroyed).toBe(true)
    await expect(suite.store.get('never', { signal })).rejects.toThrow('too late')
    await expect(suite.store.head('never', { signal })).rejects.toThrow('too late')
    await expect(suite.store.remove('never', { signal })).rejects.toThrow('too late')
    await expect(collected(suite.store.list('', { signal }))).rejects.toThrow('too late')
    expect(await suite.store.head('never')).toBeUndefined()
  })

  test('fails a cancelled download with the reason', async () => {
    const name = suite.freeName()
    await suite.store.put(name, generated(MULTIPART_BYTES))
    const abort = new AbortController()
    const stream = await suite.store.get(name, { signal: abort.signal })
    await once(stream, 'readable')
    abort.abort(new Error('enough'))
    await expect(sizeAndSha256(stream)).rejects.toThrow('enough')

    const left = await suite.store.get(name)
    await once(left, 'readable')
    left.destroy()
    await once(left, 'close')
    await suite.store.remove(name)
  })
}
