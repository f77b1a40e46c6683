import { normalize } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { componentProblem, prefixProblem } from './safe-text.ts'

test('a text that passes is one component of a path, whatever it is', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom('.', '/', 'a', '-', '\0') })),
      (text) => {
        fc.pre(componentProblem('id', text) === undefined)
        expect(normalize(`/jobs/${text}`)).toBe(`/jobs/${text}`)
        expect(normalize(`/jobs/${text}`).split('/')).toHaveLength(3)
      },
    ),
  )
})

test('a prefix that passes never climbs', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('.', '/', 'a', 'b') }), (text) => {
      fc.pre(prefixProblem('prefix', text) === undefined)
      expect(normalize(`/bucket/${text}x`)).toBe(`/bucket/${text}x`)
    }),
  )
})

test.each(['db1', '10.0.0.5', 'fe80::1', 'größe', "it's", 'a b', '.hidden', 'a..b'])('%s is good', (text) => {
  expect(componentProblem('id', text)).toBeUndefined()
})

test.each(['', 'plan/', 'a/b/c/', 'a.b-', 'plan id/'])('the prefix %j is good', (prefix) => {
  expect(prefixProblem('prefix', prefix)).toBeUndefined()
})
