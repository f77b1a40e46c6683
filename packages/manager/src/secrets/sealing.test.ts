import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { purposeOf } from './sealed-columns.ts'
import { SealError, Sealer } from './sealing.ts'

const sealerWith = (current: Buffer, ...others: Buffer[]) => new Sealer(() => ({ current, others }))
const sealer = sealerWith(randomBytes(32))

test('opens what it sealed', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (text, purpose) => sealer.open(sealer.seal(text, purpose), purpose) === text),
  )
})

test('never gives the same text twice', () => {
  expect(sealer.seal('secret', 'p')).not.toBe(sealer.seal('secret', 'p'))
})

test('another purpose, another key or a changed byte opens nothing', () => {
  const sealed = sealer.seal('secret', 'agent')
  expect(() => sealer.open(sealed, 'destination')).toThrow(SealError)
  expect(() => sealerWith(randomBytes(32)).open(sealed, 'agent')).toThrow(SealError)
  const bytes = Buffer.from(sealed.slice(3), 'base64')
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes)
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
    expect(() => sealer.open(`v1.${changed.toString('base64')}`, 'agent')).toThrow(SealError)
  }
})

test('refuses a short key', () => {
  expect(() => sealerWith(randomBytes(16))).toThrow(RangeError)
})

test('keys may be exchanged while it works: what it sealed before opens, and it seals under the new one', () => {
  const [before, after] = [randomBytes(32), randomBytes(32)]
  let keys = { current: before, others: [] as Buffer[] }
  const running = new Sealer(() => keys)
  const old = running.seal('secret', 'p')
  keys = { current: after, others: [before] }
  const sealedByAnother = sealerWith(after).seal('new secret', 'p')
  expect(running.open(sealedByAnother, 'p')).toBe('new secret')
  expect(running.open(old, 'p')).toBe('secret')
  expect([running.isCurrent(old, 'p'), running.isCurrent(running.seal('x', 'p'), 'p')]).toEqual([false, true])
})

test('keys that cannot be read for a moment do not stop it', () => {
  let isLost = false
  const key = randomBytes(32)
  const running = new Sealer(() => {
    if (isLost) throw new Error('the disk is away')
    return { current: key, others: [] }
  })
  isLost = true
  expect(running.open(running.seal('secret', 'p'), 'p')).toBe('secret')
})

test('a sealed value that was moved to another row or column opens nothing', () => {
  const sealed = sealer.seal('secret', purposeOf('service_instances', 'sealed_database_password', 'mine'))
  for (const moved of [
    purposeOf('service_instances', 'sealed_database_password', 'theirs'),
    purposeOf('service_instances', 'sealed_backup_password', 'mine'),
    purposeOf('agents', 'sealed_password', 'mine'),
  ]) {
    expect(() => sealer.open(sealed, moved)).toThrow(SealError)
  }
})
