import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Attempt, AttemptLimits } from './attempts.ts'

const attempt = (credential: string, name = 'broker', address = '10.0.0.1'): Attempt => ({ address, name, credential })

test('concurrent guesses are counted before they are checked, and a valid caller still gets in', async () => {
  const limits = new AttemptLimits<string>()
  let [checking, most] = [0, 0]
  const check = (result: string | undefined) => async () => {
    most = Math.max(most, ++checking)
    await setImmediate()
    checking--
    return result
  }
  const guesses = Array.from({ length: 300 }, (_, index) =>
    limits.authenticate(attempt(`guess ${index}`), check(undefined)),
  )
  const outcomes = await Promise.all(guesses)
  const count = (refused: string) => outcomes.filter((each) => 'refused' in each && each.refused === refused).length
  expect([count('invalid'), count('too-many')]).toEqual([10, 290])
  // Ten at once, and one at a time over the limit.
  expect(most).toBeLessThanOrEqual(11)
  expect(await limits.authenticate(attempt('right'), check('caller'))).toEqual({ caller: 'caller' })
  expect(await limits.authenticate(attempt('right', 'other'), check('caller'))).toEqual({ caller: 'caller' })
})

test('over the limit a credential that was just refused is not checked again', async () => {
  const limits = new AttemptLimits<string>()
  let checks = 0
  const check = async () => {
    checks++
    return undefined
  }
  for (let index = 0; index < 20; index++) await limits.authenticate(attempt('wrong'), check)
  expect(checks).toBe(10)
})

test('a credential that was valid is neither counted nor delayed, until it is not', async () => {
  const limits = new AttemptLimits<string>()
  const valid = async () => 'caller'
  for (let index = 0; index < 100; index++) {
    expect(await limits.authenticate(attempt('right'), valid)).toEqual({ caller: 'caller' })
  }
  const revoked = await limits.authenticate(attempt('right'), async () => undefined)
  expect(revoked).toEqual({ refused: 'invalid' })
})

test('varying names share the limit of their address, and no other address has it', async () => {
  const limits = new AttemptLimits<string>()
  const invalid = async () => undefined
  const outcomes = []
  for (let index = 0; index < 80; index++) {
    outcomes.push(await limits.authenticate(attempt(`guess ${index}`, `name ${index}`), invalid))
  }
  expect(outcomes.filter((each) => 'refused' in each && each.refused === 'too-many')).toHaveLength(20)
  const elsewhere = await limits.authenticate(attempt('guess', 'broker', '10.0.0.2'), invalid)
  expect(elsewhere).toEqual({ refused: 'invalid' })
})
