import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { expect, test } from 'vitest'
import { BandwidthLimit, throttle, throttled } from './bandwidth.ts'

const kibibyte = 1024

/** Only ever compared with a lower limit: a busy machine is slower than any rate. */
async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return (performance.now() - startedAt) / 1000
}

test('passes bytes at the configured rate, for both ways of reading', async () => {
  const content = Buffer.alloc(1000 * kibibyte, 'x')
  const streamed = async () => {
    const filter = throttle([new BandwidthLimit(1000 * kibibyte)])
    const [read] = await Promise.all([buffer(filter), pipeline(Readable.from([content]), filter)])
    expect(read.equals(content)).toBe(true)
  }
  const held = async () => {
    expect((await buffer(throttled(content, [new BandwidthLimit(1000 * kibibyte)]))).equals(content)).toBe(true)
  }
  for (const work of [streamed, held]) {
    expect(await secondsOf(work)).toBeGreaterThan(0.85)
  }
})

test('is shared by those who share it, and the narrowest of several counts', async () => {
  const wide = new BandwidthLimit(10_000 * kibibyte)
  const narrow = new BandwidthLimit(500 * kibibyte)
  const one = () => buffer(throttled(Buffer.alloc(250 * kibibyte), [wide, narrow]))
  expect(await secondsOf(() => Promise.all([one(), one()]))).toBeGreaterThan(0.8)
})

test('stops waiting when its stream is destroyed', async () => {
  // A million seconds otherwise.
  const slow = throttled(Buffer.alloc(1000 * kibibyte), [new BandwidthLimit(1)])
  slow.resume()
  const closed = new Promise((resolve) => slow.once('close', resolve))
  setTimeout(() => slow.destroy(), 20)
  await closed
})

test.each([0, -1, Number.NaN])('rejects a rate of %d', (rate) => {
  expect(() => new BandwidthLimit(rate)).toThrow(RangeError)
})
