import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { KnownCallers } from './known-callers.ts'
import { PasswordAttempts } from './password-attempts.ts'

const header = (password: string) => `Basic ${Buffer.from(`agent:${password}`).toString('base64')}`
const wrong = header('wrong')
const right = header('secret')

function attempts(knownBefore?: (deps: ConstructorParameters<typeof KnownCallers>[0]) => KnownCallers) {
  const logged: unknown[] = []
  const log = { warn: (fields: unknown) => logged.push(fields) } as never
  const deps = { now: () => new Date('2026-03-01T00:00:00Z'), log }
  const known = knownBefore?.(deps) ?? new KnownCallers(deps)
  return { attempts: new PasswordAttempts({ username: 'agent', password: 'secret' }, { known, log }), known, logged }
}

test('after too many failures an address may guess once a second, and each failure before was logged', () => {
  const { attempts: under, logged } = attempts()
  const results = Array.from({ length: 1000 }, () => under.check('192.0.2.1', wrong, 0).result)
  expect(results.filter((result) => result === 'rejected')).toHaveLength(20)
  expect(logged).toHaveLength(20)
  expect(under.check('192.0.2.1', right, 999)).toEqual({ result: 'limited', retryAfterSeconds: 60 })
  expect(under.check('192.0.2.1', wrong, 1000)).toEqual({ result: 'limited', retryAfterSeconds: 59 })
  expect(under.check('192.0.2.1', right, 1001)).toEqual({ result: 'limited', retryAfterSeconds: 59 })
  expect(under.check('192.0.2.2', right, 1001)).toEqual({ result: 'accepted' })
  expect(logged).toHaveLength(20)
})

test('a valid caller that was never seen is let in at an address from which others guess', () => {
  const { attempts: under } = attempts()
  for (let guess = 0; guess < 100; guess++) under.check('192.0.2.1', wrong, 0)
  expect(under.check('192.0.2.1', right, 1000)).toEqual({ result: 'accepted' })
  for (let guess = 0; guess < 100; guess++) under.check('192.0.2.1', wrong, 1001)
  expect(under.check('192.0.2.1', right, 1001)).toEqual({ result: 'accepted' })
})

test('an address that authenticated before is not locked out by others behind it, also after a restart', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'osb-callers-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const path = join(directory, 'known-callers.json')
  let now = new Date('2026-03-01T00:00:00Z')
  const warnings: unknown[] = []
  const deps = { now: () => now, log: { warn: (fields: unknown) => warnings.push(fields) } as never }
  const restart = async () => {
    const known = await KnownCallers.open(path, deps)
    return { known, under: attempts(() => known).attempts }
  }
  const isLockedOut = (under: PasswordAttempts) => {
    for (let guess = 0; guess < 100; guess++) under.check('192.0.2.1', wrong, 1)
    return under.check('192.0.2.1', right, 2).result !== 'accepted'
  }
  const first = await restart()
  expect(first.under.check('192.0.2.1', right, 0).result).toBe('accepted')
  expect(isLockedOut(first.under)).toBe(false)
  await first.known.settled()
  expect(await readFile(path, 'utf8')).not.toContain('secret')
  expect(isLockedOut((await restart()).under)).toBe(false)
  now = new Date('2026-03-02T00:00:01Z')
  expect(isLockedOut((await restart()).under)).toBe(true)
  expect(warnings).toEqual([])
  await writeFile(path, '{')
  expect(isLockedOut((await restart()).under)).toBe(true)
  expect(warnings).toHaveLength(1)
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
