import { expect, test } from 'vitest'
import { parseRetryAfter } from './retry-after.ts'

const now = new Date('2026-02-03T04:05:06Z')

test.each([
  ['7', 7000],
  ['0', 0],
  ['Tue, 03 Feb 2026 04:06:06 GMT', 60_000],
  ['Tue, 03 Feb 2026 04:04:06 GMT', 0],
  ['soon', undefined],
  ['', undefined],
  [undefined, undefined],
])('Retry-After %j', (header, delayMs) => {
  expect(parseRetryAfter(header, now)).toBe(delayMs)
})
