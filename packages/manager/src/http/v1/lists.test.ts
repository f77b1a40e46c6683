import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RequestError } from '../../shared/request-error.ts'
import { keysetOf, toList } from './lists.ts'

test('a cursor leads back to the key that it was made of', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 4 }), (key) => {
      const { nextCursor } = toList({ entries: [1, 2], next: key }, String)
      expect(keysetOf({ cursor: nextCursor })).toEqual({ limit: 50, after: key })
    }),
  )
})

test('the last page has no cursor', () => {
  expect(toList({ entries: [1], next: undefined }, String)).toEqual({ items: ['1'] })
})

test('what is no cursor of this API is refused by its field, whatever it is', () => {
  const json = fc.jsonValue().filter((value) => !Array.isArray(value))
  const wrong = fc.oneof(
    fc.string(),
    json.map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')),
  )
  fc.assert(
    fc.property(wrong, (cursor) => {
      expect(() => keysetOf({ cursor })).toThrow(RequestError)
    }),
  )
})
