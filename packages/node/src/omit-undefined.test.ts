import fc from 'fast-check'
import { expect, expectTypeOf, test } from 'vitest'
import { omitUndefined } from './omit-undefined.ts'

test('properties whose value is undefined are left out, and all others are kept', () => {
  const values = fc.dictionary(fc.string(), fc.option(fc.jsonValue(), { nil: undefined }))
  fc.assert(
    fc.property(values, (object) => {
      const copy = omitUndefined(object)
      const kept = Object.keys(object).filter((name) => object[name] !== undefined)
      expect(Object.keys(copy)).toEqual(kept)
      for (const name of kept) expect(Object.getOwnPropertyDescriptor(copy, name)?.value).toBe(object[name])
    }),
  )
})

test('the type of the copy has optional properties where the object has undefined ones', () => {
  const copy = omitUndefined<{ id: string; level: number | undefined }>({ id: 'a', level: undefined })
  expectTypeOf(copy).toExtend<{ id: string; level?: number }>()
  expect('level' in copy).toBe(false)
})
