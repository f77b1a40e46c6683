import { expect, test } from 'vitest'
import { formatBytes, formatDuration, formatRelative } from './formats.ts'

test.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [999, '999 bytes'],
  [1000, '1 kB'],
  [123_456_789, '123 MB'],
  [1_500_000_000, '1.5 GB'],
  [5e18, '5,000 PB'],
])('%d bytes are shown as %s', (bytes, shown) => {
  expect(formatBytes(bytes)).toBe(shown)
})

test.each([
  [0, '0 sec'],
  [0.42, '0.4 sec'],
  [59.6, '1 min'],
  [125, '2 min 5 sec'],
  [7200, '2 hr'],
  [90_061, '1 day 1 hr'],
])('%d seconds are shown as %s', (seconds, shown) => {
  expect(formatDuration(seconds)).toBe(shown)
})

test('an instant is shown relative to now, in the past and in the future', () => {
  const now = Date.parse('2026-03-01T12:00:00Z')
  expect(formatRelative('2026-03-01T11:55:00Z', now)).toBe('5 minutes ago')
  expect(formatRelative('2026-03-01T14:00:00Z', now)).toBe('in 2 hours')
  expect(formatRelative('2026-03-01T12:00:00Z', now)).toBe('now')
})
