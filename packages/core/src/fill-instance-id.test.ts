import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fillInstanceId, namesInstance } from './fill-instance-id.ts'

const id = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })

test('a plain id is filled in as it is, wherever the text names it', () => {
  expect(fillInstanceId('/backups/{instanceId}/of-{instanceId}', 'shop-db')).toBe('/backups/shop-db/of-shop-db')
  expect(fillInstanceId('/backups', 'shop-db')).toBe('/backups')
  expect(namesInstance('/backups/{instanceId}')).toBe(true)
  expect(namesInstance('/backups/{instance}')).toBe(false)
})

test('no id leaves its segment of a path, whatever it contains', () => {
  fc.assert(
    fc.property(fc.oneof(id, fc.constantFrom('.', '..', '../..', '/etc', '$&', '{instanceId}')), (each) => {
      const filled = fillInstanceId('/root/{instanceId}', each)
      expect(new URL(`file://${filled}`).pathname.split('/')).toHaveLength(3)
      expect(filled.slice('/root/'.length)).toMatch(/^[^./\\\0][^/\\\0]*$/)
    }),
  )
})

test('different ids get different segments', () => {
  fc.assert(
    fc.property(id, id, (one, other) => {
      const segments = [one, other].map((each) => fillInstanceId('{instanceId}', each))
      expect(segments[0] === segments[1]).toBe(one === other)
    }),
  )
  expect(fillInstanceId('{instanceId}', '%-')).not.toBe(fillInstanceId('{instanceId}', '.'))
})
