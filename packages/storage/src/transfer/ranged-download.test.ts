import { once } from 'node:events'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StoreError } from '../store-error.ts'
import { BandwidthLimit } from './bandwidth.ts'
import { type ByteRange, type OpenedObject, openedObject, rangeHeader } from './byte-range.ts'
import { download } from './ranged-download.ts'

/** Content as a server has it, which notes what it was asked for. */
class Served {
  readonly content: Buffer
  readonly asked: ByteRange[] = []
  tag: string | undefined = 'tag'
  sendsRanges = true
  /** Bytes after which a connection is cut, taken one by one; none left: no cut. */
  cuts: number[] = []
  /** Whether it goes on sending after what it was asked for. */
  isEndless = false
  readonly bodies: Readable[] = []

  constructor(sizeBytes: number) {
    this.content = Buffer.alloc(sizeBytes, 'every place looks a bit unlike the one before it; ')
  }

  async open({ from, end }: ByteRange): Promise<OpenedObject> {
    this.asked.push({ from, end })
    const bytes = this.sendsRanges ? this.content.subarray(from, end) : this.content
    const cutAt = this.cuts.shift()
    const { isEndless } = this
    const body = Readable.from(
      (async function* () {
        for (let at = 0; at < bytes.length; at += 10) {
          if (cutAt !== undefined && at >= cutAt) throw Object.assign(new Error('cut'), { code: 'ECONNRESET' })
          yield bytes.subarray(at, at + 10)
        }
        if (cutAt === bytes.length) throw Object.assign(new Error('cut'), { code: 'ECONNRESET' })
        while (isEndless) yield Buffer.alloc(10, 'x')
      })(),
      { objectMode: false },
    )
    this.bodies.push(body)
    return openedObject(from, {
      body,
      bodyBytes: isEndless ? undefined : bytes.length,
      contentRange: this.sendsRanges ? `bytes ${from}-${from + bytes.length - 1}/${this.content.length}` : undefined,
      tag: this.tag,
    })
  }
}

const options = (served: Served) => ({
  open: (range: ByteRange) => served.open(range),
  translate: (cause: unknown) => new StoreError('temporary', 'cut', { cause }),
  retry: { outageMs: 60_000, firstDelayMs: 0 },
  idleTimeoutMs: 1000,
  rangeBytes: 100,
  rangesInFlight: 3,
  bandwidth: [],
})

describe('a download in ranges', () => {
  test('gives the bytes in order, whatever the sizes and however often it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(1000),
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.nat(100), { maxLength: 5 }),
        fc.boolean(),
        async (sizeBytes, rangeBytes, rangesInFlight, cuts, isLimited) => {
          const served = new Served(sizeBytes)
          served.cuts = cuts
          const bandwidth = isLimited ? [new BandwidthLimit(1e9)] : []
          const stream = await download({ ...options(served), rangeBytes, rangesInFlight, bandwidth })
          expect(await buffer(stream)).toEqual(served.content)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('fetches no further ahead than it may while its reader pauses', async () => {
    const served = new Served(2_000_000)
    const stream = await download({ ...options(served), rangeBytes: 100_000 })
    stream.read(0)
    await once(stream, 'readable')
    await new Promise((resolve) => setTimeout(resolve, 50))
    // Three ranges, and what the stream itself holds.
    expect(served.asked.length).toBeLessThanOrEqual(3 + 3)
    stream.destroy()
  })

  test('takes no more than it asked for from a server that goes on sending', async () => {
    const served = new Served(1000)
    served.isEndless = true
    expect(await buffer(await download(options(served)))).toEqual(served.content)
    expect(served.asked).toHaveLength(10)
    expect(served.bodies.map(({ destroyed }) => destroyed)).toEqual(served.bodies.map(() => true))
  })

  test('needs no further request if the connection is lost after the last byte', async () => {
    const served = new Served(1000)
    served.cuts = [100, 100]
    expect(await buffer(await download(options(served)))).toEqual(served.content)
    expect(served.asked).toHaveLength(10)
  })

  test('uses no ranges if the content has no tag', async () => {
    const served = new Served(1000)
    served.tag = undefined
    expect(await buffer(await download(options(served)))).toEqual(served.content)
    expect(served.asked).toEqual([
      { from: 0, end: 100 },
      { from: 0, end: undefined },
    ])
  })

  test('accepts the whole object from a server without ranges, and fails if that is truncated', async () => {
    const served = new Served(1000)
    served.sendsRanges = false
    expect(await buffer(await download(options(served)))).toEqual(served.content)
    served.cuts = [500]
    await expect(buffer(await download(options(served)))).rejects.toMatchObject({ code: 'misconfigured' })
  })

  test('fails when one range fails, also before it is awaited', async () => {
    const served = new Served(1000)
    served.cuts = [1000, 0, 0]
    const stream = await download({ ...options(served), retry: { outageMs: 0 } })
    await new Promise((resolve) => setTimeout(resolve, 20))
    await expect(buffer(stream)).rejects.toMatchObject({ code: 'temporary' })
  })
})

test('a range is written as the header has it', () => {
  expect(rangeHeader({ from: 0, end: undefined })).toBeUndefined()
  expect(rangeHeader({ from: 0, end: 10 })).toBe('bytes=0-9')
  expect(rangeHeader({ from: 10, end: undefined })).toBe('bytes=10-')
})
