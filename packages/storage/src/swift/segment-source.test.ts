import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { SegmentSource } from './segment-source.ts'

async function segments(source: SegmentSource, sizeBytes: number): Promise<string[]> {
  const found: string[] = []
  while (await source.hasMore()) {
    let text = ''
    for await (const chunk of source.segment(sizeBytes)) text += chunk.toString('latin1')
    found.push(text)
  }
  return found
}

async function* chunksOf(texts: readonly string[]) {
  for (const text of texts) yield Buffer.from(text, 'latin1')
}

it('gives all bytes, every segment but the last full, and none empty, also after reading ahead', async () => {
  const texts = fc.array(fc.string({ unit: 'binary-ascii', maxLength: 20 }), { maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(texts, fc.integer({ min: 1, max: 30 }), fc.nat(60), async (chunks, size, ahead) => {
      const whole = chunks.join('')
      const source = new SegmentSource(chunksOf(chunks))
      const small = await source.wholeIfSmall(ahead)
      expect(small?.toString('latin1')).toBe(whole.length <= ahead ? whole : undefined)
      if (small) return
      const found = await segments(source, size)
      expect(found.join('')).toBe(whole)
      expect(found.slice(0, -1).every((segment) => segment.length === size)).toBe(true)
      expect(found.at(-1)).not.toBe('')
    }),
  )
})

it('ends a segment early at a pause, and loses nothing by it', async () => {
  async function* pausing() {
    yield Buffer.from('ab')
    await sleep(60)
    yield Buffer.from('cd')
    yield Buffer.from('ef')
    await sleep(60)
    yield Buffer.from('g')
  }
  expect(await segments(new SegmentSource(pausing(), 20), 100)).toEqual(['ab', 'cdef', 'g'])
})

it('reports a failure that came during a pause to whoever asks next', async () => {
  async function* dying() {
    yield Buffer.from('ab')
    await sleep(40)
    throw new Error('the dump died')
  }
  const source = new SegmentSource(dying(), 10)
  await source.hasMore()
  const first: Buffer[] = []
  for await (const chunk of source.segment(100)) first.push(chunk)
  expect(Buffer.concat(first).toString()).toBe('ab')
  await sleep(60)
  await expect(source.hasMore()).rejects.toThrow('the dump died')
})
