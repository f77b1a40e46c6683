import { expect, test } from 'vitest'
import { storable } from './storable.ts'

test('a log of any size is stored with its beginning and its end', () => {
  const log = `first line\n${'x'.repeat(30 * 1024 * 1024)}\nlast line`
  const { backup_log: stored } = storable({ backup_log: log }) as { backup_log: string }
  expect(stored.length).toBeLessThan(100_000)
  expect(stored).toMatch(/^first line/)
  expect(stored).toMatch(/last line$/)
  expect(stored).toContain('characters are left out')
})

test('what is short stays, but for what PostgreSQL cannot store', () => {
  const answer = { status: 'RUNNING', log: 'a\0b\ud800', warnings: [{ code: 'x' }], error: null, size: 1 }
  expect(storable(answer)).toEqual({ status: 'RUNNING', log: 'a\ufffdb\ufffd', warnings: [{ code: 'x' }], size: 1 })
})

test('lists and objects have an end', () => {
  const many = Array.from({ length: 100_000 }, (_, index) => [`name ${index}`, index] as const)
  expect(storable(many)).toHaveLength(10_000)
  expect(Object.keys(storable(Object.fromEntries(many)) as object)).toHaveLength(10_000)
})
