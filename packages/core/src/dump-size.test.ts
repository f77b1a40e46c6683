import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type DumpSize, type EarlierDump, judgeDumpSize } from './dump-size.ts'

const dump = (originalSizeBytes: number | undefined, fields: Partial<EarlierDump> = {}): EarlierDump => ({
  originalSizeBytes,
  sizeBytes: 1000,
  compression: 'zstd',
  encrypted: false,
  suspicious: false,
  ...fields,
})
const judge = (now: DumpSize, earlier: EarlierDump[]) => judgeDumpSize(now, earlier, 0.1)
const fine = { suspicious: false, confirms: undefined }

describe('the size of a dump', () => {
  test('is suspicious below a tenth of the median of the last five', () => {
    const earlier = [90, 100, 110, 105, 95, 1, 1, 1].map((size) => dump(size))
    expect(judge(dump(9), earlier)).toEqual({ suspicious: true, usualSizeBytes: 100 })
    expect(judge(dump(10), earlier)).toEqual(fine)
    expect(judge(dump(0), earlier)).toMatchObject({ suspicious: true })
    expect(judge(dump(9), [dump(100), dump(200)])).toEqual({ suspicious: true, usualSizeBytes: 150 })
  })

  test('is not suspicious without earlier dumps to compare with', () => {
    expect(judge(dump(1), [])).toEqual(fine)
    expect(judge(dump(1), [dump(1000, { suspicious: true })])).toEqual(fine)
  })

  test('that is similar to the suspicious one before it confirms that', () => {
    const suspicious = dump(9, { suspicious: true })
    const usual = [100, 100, 100].map((size) => dump(size))
    expect(judge(dump(5), [suspicious, ...usual])).toEqual({ suspicious: false, confirms: suspicious })
    expect(judge(dump(2), [suspicious, ...usual])).toEqual({ suspicious: true, usualSizeBytes: 100 })
    expect(judge(dump(100), [suspicious, ...usual])).toEqual(fine)
  })

  test('stays usual once it was confirmed', () => {
    expect(judge(dump(9), [dump(9), dump(100), dump(100), dump(100)])).toEqual(fine)
    expect(judge(dump(0), [dump(0), dump(100), dump(100), dump(100)])).toEqual(fine)
  })

  test('is that of the object where an agent reports no other, of the same compression and encryption', () => {
    const stored = (sizeBytes: number, fields: Partial<EarlierDump> = {}) => dump(undefined, { sizeBytes, ...fields })
    expect(judge(stored(5), [stored(100)])).toEqual({ suspicious: true, usualSizeBytes: 100 })
    expect(judge(stored(5), [stored(100, { compression: 'none' })])).toEqual(fine)
    expect(judge(stored(5), [stored(100, { encrypted: true })])).toEqual(fine)
    // An agent that was replaced by one that reports the original size.
    expect(judge(dump(50, { sizeBytes: 5 }), [stored(100)])).toEqual({ suspicious: true, usualSizeBytes: 100 })
    expect(judge(dump(50, { sizeBytes: 5 }), [dump(60, { sizeBytes: 100 }), stored(100)])).toEqual(fine)
  })
})

const sizes = fc.integer({ min: 0, max: 1_000_000_000 })
const dumps = fc.array(
  fc.record({
    originalSizeBytes: fc.option(sizes, { nil: undefined }),
    sizeBytes: sizes,
    compression: fc.constantFrom('none', 'zstd'),
    encrypted: fc.boolean(),
    suspicious: fc.boolean(),
  }),
  { maxLength: 10 },
)
const newDumps = dumps.filter((each) => each.length > 0).map(([first]) => first as EarlierDump)

test('a suspicious dump is below the part of what is usual; one as large as any before is never suspicious', () => {
  fc.assert(
    fc.property(newDumps, dumps, fc.double({ min: 0.01, max: 1, noNaN: true }), (now, earlier, least) => {
      const judged = judgeDumpSize(now, earlier, least)
      if (!judged.suspicious) return
      const size = earlier.some((each) => !each.suspicious && each.originalSizeBytes !== undefined)
        ? (now.originalSizeBytes ?? now.sizeBytes)
        : now.sizeBytes
      expect(size).toBeLessThan(least * judged.usualSizeBytes)
      const largest = Math.max(...earlier.flatMap((each) => [each.sizeBytes, each.originalSizeBytes ?? 0]))
      expect(size).toBeLessThan(largest)
    }),
  )
})

test('a smaller dump is not less suspicious, unless it is similar to the one before it', () => {
  fc.assert(
    fc.property(sizes, sizes, fc.array(sizes, { minLength: 1, maxLength: 8 }), (one, other, before) => {
      const earlier = before.map((size) => dump(size))
      const [smaller, larger] = [Math.min(one, other), Math.max(one, other)]
      if (!judge(dump(larger), earlier).suspicious || judge(dump(smaller), earlier).suspicious) return
      const previous = before[0] ?? 0
      expect(Math.max(smaller, previous)).toBeLessThanOrEqual(2 * Math.min(smaller, previous))
    }),
  )
})

test('of two dumps of one size in a row the second is never suspicious, and confirms the first', () => {
  fc.assert(
    fc.property(newDumps, dumps, (now, earlier) => {
      const first = judge(now, earlier)
      const recorded = { ...now, suspicious: first.suspicious }
      expect(judge(now, [recorded, ...earlier])).toEqual({
        suspicious: false,
        confirms: first.suspicious ? recorded : undefined,
      })
    }),
  )
})

test('nothing is suspicious below a part of nothing', () => {
  fc.assert(fc.property(newDumps, dumps, (now, earlier) => !judgeDumpSize(now, earlier, 0).suspicious))
})
