import type { PackParameter } from '@osb-backup/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { declarationProblem, resolveParameters } from './pack-parameters.ts'

const declared: PackParameter[] = [
  { name: 'restore-mode', type: 'string', values: ['swap', 'in-place'], default: 'swap' },
  { name: 'jobs', type: 'integer', minimum: 1, maximum: 16, default: 2 },
  { name: 'ratio', type: 'number' },
  { name: 'force', type: 'boolean' },
]
const resolve = (given: Record<string, string>, parameters = declared) =>
  resolveParameters(
    parameters,
    Object.entries(given).map(([name, value]) => ({ name, value })),
  )

test('defaults are added, values and what is not declared are passed on', () => {
  expect(resolve({ jobs: '4', other: 'x' })).toEqual({
    ok: true,
    value: [
      { name: 'jobs', value: '4' },
      { name: 'other', value: 'x' },
      { name: 'restore-mode', value: 'swap' },
    ],
  })
})

test('an empty text is not one of the values of a choice: it counts as absent', () => {
  expect(resolve({ 'restore-mode': '', jobs: '4' })).toMatchObject({
    ok: true,
    value: expect.arrayContaining([{ name: 'restore-mode', value: 'swap' }]),
  })
})

test('a name is the one whose variable is the same, and an empty number counts as absent', () => {
  expect(resolve({ RESTORE_MODE: 'in-place', jobs: '' })).toEqual({
    ok: true,
    value: [
      { name: 'RESTORE_MODE', value: 'in-place' },
      { name: 'jobs', value: '2' },
    ],
  })
})

test.each([
  [{ 'restore-mode': 'drop' }, 'parameter "restore-mode" must be one of swap, in-place, not "drop"'],
  [{ jobs: '1e3' }, 'parameter "jobs" must be a whole number, not "1e3"'],
  [{ jobs: '0' }, 'parameter "jobs" must be at least 1, not "0"'],
  [{ jobs: '17' }, 'parameter "jobs" must be at most 16, not "17"'],
  [{ ratio: 'NaN' }, 'parameter "ratio" must be a number, not "NaN"'],
  [{ force: 'yes' }, 'parameter "force" must be true or false, not "yes"'],
])('%j is rejected', (given: Record<string, string>, error) => {
  expect(resolve(given)).toEqual({ ok: false, error })
})

test('a required parameter must be given, and the value of a secret is never shown', () => {
  const pin: PackParameter[] = [{ name: 'pin', type: 'integer', required: true, secret: true }]
  expect(resolve({}, pin)).toEqual({ ok: false, error: 'parameter "pin" is required' })
  expect(resolve({ pin: 'hunter2' }, pin)).toEqual({ ok: false, error: 'parameter "pin" must be a whole number' })
})

test.each<[PackParameter[], RegExp]>([
  [[{ name: 'a', type: 'string', minimum: 1 }], /cannot have a range/],
  [[{ name: 'a', type: 'integer', minimum: 2, maximum: 1 }], /empty range/],
  [[{ name: 'a', type: 'string', secret: true, default: 'x' }], /must not have a default/],
  [[{ name: 'a', type: 'integer', default: 'x' }], /has a default that must be a whole number/],
  [[{ name: 'a', type: 'integer', values: [1, 'x'] }], /lists the value "x"/],
  [[{ name: 'a', type: 'string', required: true, default: 'x' }], /never used/],
  [
    [
      { name: 'a-b', type: 'string' },
      { name: 'A_B', type: 'string' },
    ],
    /same variable/,
  ],
])('a declaration that cannot be met is rejected: %j', (parameters, message) => {
  expect(declarationProblem(parameters)).toMatch(message)
})

test('what a valid declaration has as its default is a value that it accepts', () => {
  expect(declarationProblem(declared)).toBeUndefined()
  const parameter = fc.record({
    name: fc.constant('p'),
    type: fc.constantFrom('string', 'integer', 'number', 'boolean' as const),
    default: fc.oneof(fc.string(), fc.integer(), fc.boolean()),
  })
  fc.assert(
    fc.property(parameter, (each) => {
      fc.pre(declarationProblem([each]) === undefined)
      expect(resolveParameters([each], [{ name: 'p', value: String(each.default) }])).toMatchObject({ ok: true })
    }),
  )
})
