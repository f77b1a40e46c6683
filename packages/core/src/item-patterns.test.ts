import fc from 'fast-check'
import { expect, test } from 'vitest'
import { coversItem, expandItems, findOverlap, isDeclaredItem } from './item-patterns.ts'

const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.', '🐘'), maxLength: 6 })
const toRegExp = (pattern: string) => new RegExp(`^${pattern.split('*').map(RegExp.escape).join('[^]*')}$`, 'u')

test.for([
  ['shop', ['shop'], true],
  ['shop', ['Shop'], false],
  ['shop', ['sho'], false],
  ['shop_eu', ['shop_*'], true],
  ['shop', ['shop*'], true],
  ['shopXeu', ['shop.eu'], false],
  ['postgres', [], false],
  ['*', ['shop'], false],
  ['*', ['*'], true],
  ['a*', ['ab'], false],
] as const)('%s among %j: %s', ([item, patterns, isDeclared]) => {
  expect(isDeclaredItem(item, patterns)).toBe(isDeclared)
})

test('an item is declared if a pattern matches it', () => {
  fc.assert(
    fc.property(text, fc.array(text, { maxLength: 3 }), (item, patterns) => {
      expect(isDeclaredItem(item, patterns)).toBe(patterns.some((pattern) => toRegExp(pattern).test(item)))
    }),
  )
})

test('patterns that one item matches overlap, and those that none matches do not', () => {
  fc.assert(
    fc.property(text, text, (one, other) => {
      const overlaps = findOverlap([one], [other]) !== undefined
      expect(findOverlap([other], [one]) !== undefined).toBe(overlaps)
      // A text that matches both is at most as long as both together, and needs no character that neither has.
      const witness = fc
        .sample(text, { numRuns: 50, seed: 1 })
        .find((item) => [one, other].every((p) => toRegExp(p).test(item)))
      if (witness !== undefined) expect(overlaps).toBe(true)
    }),
  )
})

test.for([
  ['shop_*', '*_eu', true],
  ['shop_*', 'stock_*', false],
  ['*', 'x', true],
  ['a*b', 'a*c', false],
  ['a*b*c', 'abc', true],
  ['shop', 'shop', true],
  ['', '*', true],
  ['**', '', true],
] as const)('%s and %s overlap: %s', ([one, other, overlaps]) => {
  expect(findOverlap(['unlike', one], [other]) !== undefined).toBe(overlaps)
})

test('long patterns take no time', () => {
  const pattern = '*a'.repeat(100)
  expect(isDeclaredItem('a'.repeat(99), [pattern])).toBe(false)
})

test('a run covers what its patterns match, what exists and what the instance may use', () => {
  const selection = { items: ['shop_*', 'users'], excludedItems: ['shop_tmp*'] }
  const listed = ['users', 'shop_2', 'shop_tmp1', 'other', 'shop_1']
  expect(expandItems(selection, listed, undefined)).toEqual(['shop_1', 'shop_2'])
  expect(expandItems(selection, listed, ['shop_1', 'users'])).toEqual(['shop_1'])
  expect(coversItem(selection, 'users')).toBe(true)
  expect(coversItem({ ...selection, excludedItems: ['*'] }, 'users')).toBe(true)
  expect(coversItem({ ...selection, excludedItems: ['*'] }, 'shop_1')).toBe(false)
})

test('an expansion is within the list, the patterns and the grant, and misses nothing of it', () => {
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '_'), minLength: 1, maxLength: 4 })
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '_', '*'), minLength: 1, maxLength: 4 })
  const patterns = fc.array(pattern, { maxLength: 3 })
  fc.assert(
    fc.property(
      patterns,
      patterns,
      fc.array(name),
      fc.option(patterns, { nil: undefined }),
      (items, excludedItems, listed, granted) => {
        const expanded = expandItems({ items, excludedItems }, listed, granted)
        for (const item of new Set(listed)) {
          const isWanted =
            !items.includes(item) &&
            coversItem({ items, excludedItems }, item) &&
            (granted === undefined || isDeclaredItem(item, granted))
          expect(expanded.filter((each) => each === item)).toHaveLength(isWanted ? 1 : 0)
        }
        expect(expanded.every((item) => listed.includes(item))).toBe(true)
      },
    ),
  )
})
