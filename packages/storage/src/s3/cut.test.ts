import fc from 'fast-check'
import { expect, it } from 'vitest'
import { cut } from './cut.ts'
import { maximumParts, partSizeOf } from './part-size.ts'

async function pieces(chunks: Buffer[], sizeOf: (number: number) => number): Promise<Buffer[]> {
  const found: Buffer[] = []
  for await (const piece of cut(streamOf(chunks), sizeOf)) found.push(piece)
  return found
}

async function* streamOf(chunks: Buffer[]) {
  yield* chunks
}

it('cuts any chunks into pieces of exactly the sizes asked for, the last one not empty', async () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(chunks, fc.integer({ min: 1, max: 30 }), async (arrays, first) => {
      const whole = Buffer.concat(arrays)
      const sizeOf = (number: number) => first + number
      const found = await pieces(
        arrays.map((array) => Buffer.from(array)),
        sizeOf,
      )
      expect(Buffer.concat(found).equals(whole)).toBe(true)
      expect(found.slice(0, -1).map((piece) => piece.length)).toEqual(
        found.slice(0, -1).map((_, index) => sizeOf(index + 1)),
      )
      const last = found.at(-1)?.length ?? 0
      expect(last).toBeLessThanOrEqual(sizeOf(found.length))
      expect(last > 0 || (found.length === 1 && whole.length === 0)).toBe(true)
    }),
  )
})

it('has parts for 484 GiB, the first ones small', () => {
  let total = 0
  for (let number = 1; number <= maximumParts; number++) total += partSizeOf(number, 8 * 1024 ** 2)
  expect(Math.floor(total / 1024 ** 3)).toBe(484)
  expect(partSizeOf(2000, 8)).toBe(8)
  expect(partSizeOf(2001, 8)).toBe(16)
})
