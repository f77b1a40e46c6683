import { MASKED_SECRET } from '@osb-backup/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keepMaskedParameters, maskParameters, splitParameters } from './secret-parameters.ts'

test.for([
  [{ encoding: 'UTF8', PGPASSWORD: 'a', api_token: 'b' }, [], ['PGPASSWORD', 'api_token']],
  [{ mode: 'a', region: 'b' }, ['region'], ['region']],
  [{ postgres: { port: 1, admin: { password: 'x' } }, plain: { port: 1 } }, [], ['postgres']],
  [{ list: [{ secret: 1 }], numbers: [1, 2] }, [], ['list']],
  [{ mode: null }, ['absent'], []],
] as const)('of %j with %j declared, %j are secret', ([parameters, declared, names]) => {
  const { open, secret } = splitParameters(parameters, declared)
  expect(Object.keys(secret)).toEqual(names)
  expect({ ...open, ...secret }).toEqual(parameters)
})

test('what an answer showed, sent back, changes nothing; and it shows no secret', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('password', 'mode', 'x', 'y', 'nested'), fc.jsonValue()),
      fc.subarray(['x', 'mode']),
      (parameters, declared) => {
        const shown = maskParameters(parameters, declared)
        expect(keepMaskedParameters(shown, parameters)).toEqual(parameters)
        for (const name of Object.keys(splitParameters(parameters, declared).secret)) {
          expect(shown[name]).toBe(MASKED_SECRET)
        }
      },
    ),
  )
})
