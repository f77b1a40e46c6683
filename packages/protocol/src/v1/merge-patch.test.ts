import fc from 'fast-check'
import { expect, test } from 'vitest'
import { destinationPatchSchema } from './destinations.ts'
import { applyMergePatch } from './merge-patch.ts'
import { planPatchSchema } from './plans.ts'

test.for([
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
])('RFC 7396, appendix A: %j patched with %j is %j', ([document, patch, result]) => {
  expect(applyMergePatch(document, patch)).toEqual(result)
})

test('a patch applied twice is the patch applied once, and changes neither argument', () => {
  const json = fc.jsonValue({ noUnicodeString: true } as object)
  fc.assert(
    fc.property(json, json, (document, patch) => {
      const before = JSON.stringify([document, patch])
      const once = applyMergePatch(document, patch)
      expect(applyMergePatch(once, patch)).toEqual(once)
      expect(JSON.stringify([document, patch])).toBe(before)
    }),
  )
})

test('a patch names only what changes, null removes, and an unknown field is an error at any depth', () => {
  expect(planPatchSchema.safeParse({ paused: true }).success).toBe(true)
  expect(planPatchSchema.safeParse({ encryption: { privateKey: null }, rpoSeconds: null }).success).toBe(true)
  const { error } = planPatchSchema.safeParse({ schedule: { corn: '@daily' } })
  expect(error?.issues[0]).toMatchObject({ code: 'unrecognized_keys', keys: ['corn'], path: ['schedule'] })
})

test('a part of a discriminated union is patched under the name of its kind', () => {
  expect(destinationPatchSchema.safeParse({ name: 'x' }).success).toBe(true)
  expect(destinationPatchSchema.safeParse({ store: { kind: 's3', bucket: 'other' } }).success).toBe(true)
  const { error } = destinationPatchSchema.safeParse({ store: { kind: 's3', container: 'other' } })
  expect(error?.issues[0]).toMatchObject({ code: 'unrecognized_keys', keys: ['container'], path: ['store'] })
})
