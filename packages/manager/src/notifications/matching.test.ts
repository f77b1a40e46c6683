import fc from 'fast-check'
import { expect, test } from 'vitest'
import { matchesRules, quietUntil } from './matching.ts'

const alarm = {
  kind: 'agent-offline',
  severity: 'warning',
  instanceId: 'shop',
  organizationGuid: 'org',
  spaceGuid: 'space',
} as const

test('an alarm matches a rule if everything that the rule states fits, and a channel without rules', () => {
  expect(matchesRules(alarm, [])).toBe(true)
  const fits = { instances: ['shop'], organizationGuid: 'org', kinds: ['agent-offline' as const] }
  expect(matchesRules(alarm, [fits])).toBe(true)
  expect(matchesRules(alarm, [{ spaceGuid: 'other' }, fits])).toBe(true)
  for (const wrong of [
    { instances: ['other'] },
    { organizationGuid: 'other' },
    { spaceGuid: 'other' },
    { minimumSeverity: 'critical' as const },
    { kinds: ['run-failed' as const] },
  ]) {
    expect([wrong, matchesRules(alarm, [{ ...fits, ...wrong }])]).toEqual([wrong, false])
  }
  expect(matchesRules({ ...alarm, instanceId: undefined }, [{ instances: ['shop'] }])).toBe(false)
})

test.for([
  ['2026-03-01T21:30:00Z', undefined],
  ['2026-03-01T22:30:00Z', '2026-03-02T06:00:00.000Z'],
  ['2026-03-02T05:59:00Z', '2026-03-02T06:00:00.000Z'],
  ['2026-03-02T06:00:00Z', undefined],
] as const)('from 23:00 to 07:00 in Berlin, it is quiet at %s until %s', ([now, until]) => {
  const hours = { from: '23:00', until: '07:00', timezone: 'Europe/Berlin' }
  // Berlin is an hour ahead.
  expect(quietUntil(new Date(now), hours)?.toISOString()).toBe(until)
})

test('quiet hours end within a day, and are over when they end', () => {
  const time = fc
    .tuple(fc.nat(23), fc.nat(59))
    .map((parts) => parts.map((each) => `${each}`.padStart(2, '0')).join(':'))
  const timezone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata')
  const instant = fc.date({ min: new Date('2020-01-01'), max: new Date('2040-01-01'), noInvalidDate: true })
  fc.assert(
    fc.property(instant, fc.record({ from: time, until: time, timezone }), (now, hours) => {
      const until = quietUntil(now, hours)
      if (until === undefined) return
      expect(until.getTime()).toBeGreaterThan(now.getTime())
      expect(until.getTime() - now.getTime()).toBeLessThanOrEqual(25 * 3_600_000)
      if (hours.from !== hours.until) expect(quietUntil(new Date(until.getTime() + 60_000), hours)).not.toEqual(until)
    }),
  )
})
