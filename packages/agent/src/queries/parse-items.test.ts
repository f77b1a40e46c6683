import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseItems } from './parse-items.ts'

const parse = (text: string) => parseItems(Buffer.from(text))

test('each line is a name; an empty list is one', () => {
  expect(parse('shop\nä b\nshop\n')).toEqual({ ok: true, value: ['shop', 'ä b'] })
  expect(parse('')).toEqual({ ok: true, value: [] })
})

test.each([
  ['shop\nusers', /cut off/],
  ['shop\n\nusers\n', /cannot be the name/],
  ['shop\r\n', /cannot be the name/],
  [`${'x'.repeat(256)}\n`, /cannot be the name/],
  [Array.from({ length: 10_001 }, (_each, index) => `${index}\n`).join(''), /more than 10000/],
])('a list that is not whole is an error as a whole (%#)', (text, message) => {
  expect(parse(text)).toMatchObject({ ok: false, error: expect.stringMatching(message) })
})

test('names that are not UTF-8 are an error', () => {
  expect(parseItems(Buffer.from([0x61, 0xff, 0x0a]))).toMatchObject({ ok: false })
})

test('every list of names is read as it was printed', () => {
  const name = fc.string({ minLength: 1, maxLength: 50 }).filter((text) => !/\p{Cc}/u.test(text) && text.isWellFormed())
  fc.assert(
    fc.property(fc.uniqueArray(name), (names) => {
      expect(parse(names.map((each) => `${each}\n`).join(''))).toEqual({ ok: true, value: names })
    }),
  )
})
