import { expect, test } from 'vitest'
import { PasswordAttempts } from './password-attempts.ts'

const header = (password: string) => `Basic ${Buffer.from(`agent:${password}`).toString('base64')}`
const wrong = header('wrong')
const right = header('secret')

function attempts() {
  const logged: unknown[] = []
  const log = { warn: (fields: unknown) => logged.push(fields) }
  return { attempts: new PasswordAttempts({ username: 'agent', password: 'secret' }, log as never), logged }
}

test('after too many failures an address is limited for a minute, and each failure was logged', () => {
  const { attempts: under, logged } = attempts()
  const results = Array.from({ length: 1000 }, () => under.check('192.0.2.1', wrong, 0).result)
  expect(results.filter((result) => result === 'rejected')).toHaveLength(20)
  expect(logged).toHaveLength(20)
  expect(under.check('192.0.2.1', right, 30_000)).toEqual({ result: 'limited', retryAfterSeconds: 30 })
  expect(under.check('192.0.2.2', right, 0)).toEqual({ result: 'accepted' })
  expect(under.check('192.0.2.1', right, 60_001)).toEqual({ result: 'accepted' })
})

test('an address that authenticated before is not locked out by others behind it', () => {
  const { attempts: under } = attempts()
  expect(under.check('192.0.2.1', right, 0).result).toBe('accepted')
  for (let guess = 0; guess < 1000; guess++) under.check('192.0.2.1', wrong, 1)
  expect(under.check('192.0.2.1', right, 2).result).toBe('accepted')
})

test('the addresses of one IPv6 network count together', () => {
  const { attempts: under } = attempts()
  for (let guess = 0; guess < 20; guess++) under.check(`2001:db8:1:2::${guess}`, wrong, 0)
  expect(under.check('2001:db8:1:2:ffff::1', right, 0).result).toBe('limited')
  expect(under.check('2001:db8:1:3::1', right, 0).result).toBe('accepted')
})

test('a call without credentials is no attempt', () => {
  const { attempts: under, logged } = attempts()
  for (let call = 0; call < 100; call++) expect(under.check('192.0.2.1', undefined, 0).result).toBe('rejected')
  expect(logged).toEqual([])
  expect(under.check('192.0.2.1', right, 0).result).toBe('accepted')
})
