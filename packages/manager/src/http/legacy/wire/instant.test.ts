import fc from 'fast-check'
import { expect, test } from 'vitest'
import { instantInZone } from './instant.ts'

test.for([
  ['2026-03-29T00:59:59Z', 'Europe/Berlin', '2026-03-29T01:59:59+01:00'],
  ['2026-03-29T01:00:00Z', 'Europe/Berlin', '2026-03-29T03:00:00+02:00'],
  ['2026-01-01T00:00:00Z', 'UTC', '2026-01-01T00:00:00+00:00'],
  ['2026-01-01T00:00:00Z', 'Asia/Kathmandu', '2026-01-01T05:45:00+05:45'],
  ['2026-01-01T00:00:00Z', 'America/New_York', '2025-12-31T19:00:00-05:00'],
] as const)('%s in %s is %s', ([instant, zone, text]) => {
  expect(instantInZone(new Date(instant), zone)).toBe(text)
})

test('what is written reads as the same instant', () => {
  const zones = fc.constantFrom('Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Pacific/Apia', 'UTC')
  const second = fc.integer({ min: 1_000_000_000, max: 4_000_000_000 })
  fc.assert(
    fc.property(second, zones, (seconds, zone) => {
      expect(new Date(instantInZone(new Date(seconds * 1000), zone)).getTime()).toBe(seconds * 1000)
    }),
  )
})
