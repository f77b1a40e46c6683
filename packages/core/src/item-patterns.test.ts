import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findOverlap, isDeclaredItem } from './item-patterns.ts'

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
