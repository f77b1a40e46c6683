import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SealError, Sealer } from './sealing.ts'

const sealer = new Sealer(randomBytes(32))

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
  expect(() => new Sealer(randomBytes(32)).open(sealed, 'agent')).toThrow(SealError)
  const bytes = Buffer.from(sealed.slice(3), 'base64')
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes)
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
    expect(() => sealer.open(`v1.${changed.toString('base64')}`, 'agent')).toThrow(SealError)
  }
})

test('refuses a short key', () => {
  expect(() => new Sealer(randomBytes(16))).toThrow(RangeError)
})
