import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { hashPassword, isPassword, mayBePassword } from './passwords.ts'

const key = randomBytes(32)

test('the right password passes both steps, and a wrong one does not pass the second', async () => {
  const stored = await hashPassword('a password of a broker', key)
  expect(mayBePassword('broker', 'a password of a broker', stored, key)).toBe(true)
  expect(await isPassword('a password of a broker', stored)).toBe(true)
  expect(await isPassword('another password of it', stored)).toBe(false)
  expect(await isPassword('a password of a broker', undefined)).toBe(false)
})

test('a password whose filter was erased stays valid under any key', async () => {
  const stored = (await hashPassword('a password of a broker', key)).replace(/\.[^.]*$/, '.')
  expect(mayBePassword('broker', 'a password of a broker', stored, randomBytes(32))).toBe(true)
  expect(await isPassword('a password of a broker', stored)).toBe(true)
  expect(await isPassword('another password of it', stored)).toBe(false)
})

test('few wrong passwords need the slow hash, whether there is such an account or not', async () => {
  const stored = await hashPassword('a password of a broker', key)
  for (const each of [stored, undefined]) {
    const guesses = Array.from({ length: 5000 }, (_, index) => `guess ${index}`)
    const slow = guesses.filter((guess) => mayBePassword('broker', guess, each, key)).length
    expect(slow).toBeGreaterThan(0)
    expect(slow).toBeLessThan(100)
  }
})
