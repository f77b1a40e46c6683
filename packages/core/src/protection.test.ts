import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type CoveringPlan,
  defaultRpoSeconds,
  type ProtectingPoint,
  type Protection,
  protectionOf,
  worstProtection,
} from './protection.ts'

const now = new Date('2026-03-04T12:00:00Z')
const HOUR_MS = 3_600_000
const hoursAgo = (hours: number) => new Date(now.getTime() - hours * HOUR_MS)
const daily: CoveringPlan = {
  schedule: { frequency: '0 0 2 * * *', timezone: 'UTC' },
  paused: false,
  rpoSeconds: undefined,
  createdAt: hoursAgo(1000),
}
const good = (hours: number): ProtectingPoint => ({ takenAt: hoursAgo(hours), good: true })
const bad = (hours: number): ProtectingPoint => ({ takenAt: hoursAgo(hours), good: false })

test.for([
  [
    'a point within twice the interval',
    [daily],
    [good(47)],
    'protected',
    'The newest good restore point is 47 hours old; the recovery point objective is 2 days.',
  ],
  [
    'a point that is too old',
    [daily],
    [good(49)],
    'at-risk',
    'The newest good restore point is 2 days old; the recovery point objective is 2 days.',
  ],
  [
    'a stricter objective',
    [{ ...daily, rpoSeconds: 3600 }],
    [good(2)],
    'at-risk',
    'The newest good restore point is 2 hours old; the recovery point objective is 60 minutes.',
  ],
  [
    'a newer point that is not good',
    [daily],
    [bad(1), good(72)],
    'at-risk',
    'The newest good restore point is 3 days old; the recovery point objective is 2 days.',
  ],
  ['no point', [daily], [], 'unprotected', 'There is no restore point.'],
  [
    'only bad points',
    [daily],
    [bad(1)],
    'unprotected',
    'No restore point is good: all failed, are damaged, missing or suspiciously small.',
  ],
  [
    'a new plan',
    [{ ...daily, createdAt: hoursAgo(1) }],
    [],
    'unknown',
    'The plan is new and has no restore point yet.',
  ],
  [
    'a paused plan',
    [{ ...daily, paused: true }],
    [good(1)],
    'at-risk',
    'The newest good restore point is 60 minutes old, and every plan of the item is paused.',
  ],
  [
    'no plan any more',
    [],
    [good(1)],
    'at-risk',
    'The newest good restore point is 60 minutes old, and no plan covers the item.',
  ],
  [
    'a point of next year',
    [daily],
    [good(-9000)],
    'unprotected',
    'No restore point is good: all failed, are damaged, missing or suspiciously small.',
  ],
] as const)('%s', ([, plans, points, state, reason]) => {
  expect(protectionOf({ plans, points }, now)).toMatchObject({ state, reason })
})

test.for([
  ['0 0 2 * * *', 48],
  ['0 0 2 * * MON-FRI', 144],
  ['0 0/15 9-17 * * MON-FRI', 126.5],
  ['0 0 * * * *', 2],
  ['0 0 3 1 * *', 2 * 31 * 24],
] as const)('the default objective of %s is %d hours', ([frequency, hours]) => {
  expect(defaultRpoSeconds({ frequency, timezone: 'UTC' }, now)).toBe(hours * 3600)
})

const plan: fc.Arbitrary<CoveringPlan> = fc.record({
  schedule: fc.record({
    frequency: fc.constantFrom('0 0 2 * * *', '0 0 * * * *', '0 0 2 * * MON-FRI', '0 0 3 1 * *', 'nonsense'),
    timezone: fc.constantFrom('UTC', 'Europe/Berlin'),
  }),
  paused: fc.boolean(),
  rpoSeconds: fc.option(fc.integer({ min: 60, max: 10_000_000 }), { nil: undefined }),
  createdAt: fc.integer({ min: 0, max: 10_000 }).map(hoursAgo),
})
const point: fc.Arbitrary<ProtectingPoint> = fc.record({
  takenAt: fc.integer({ min: -100, max: 5000 }).map(hoursAgo),
  good: fc.boolean(),
})
const facts = fc.record({ plans: fc.array(plan, { maxLength: 3 }), points: fc.array(point, { maxLength: 6 }) })
const rank = ({ state }: Protection) => ['unprotected', 'at-risk', 'unknown', 'protected'].indexOf(state)

test('what is protected has a good restore point within the objective of a plan that runs', () => {
  fc.assert(
    fc.property(facts, ({ plans, points }) => {
      const protection = protectionOf({ plans, points }, now)
      fc.pre(protection.state === 'protected')
      const { rpoSeconds = 0 } = protection
      expect(points.some((each) => each.good && now.getTime() - each.takenAt.getTime() <= rpoSeconds * 1000)).toBe(true)
      expect(plans.some((each) => !each.paused)).toBe(true)
    }),
  )
})

test('nothing can be restored of what is unprotected, and something of what is at risk', () => {
  fc.assert(
    fc.property(facts, ({ plans, points }) => {
      const { state, newestAt } = protectionOf({ plans, points }, now)
      expect(newestAt === undefined).toBe(state === 'unprotected' || state === 'unknown')
    }),
  )
})

test('one more good restore point makes nothing worse, and a new one makes it as good as it can be', () => {
  fc.assert(
    fc.property(facts, fc.integer({ min: 0, max: 5000 }), ({ plans, points }, hours) => {
      const before = protectionOf({ plans, points }, now)
      const after = protectionOf({ plans, points: [...points, good(hours)] }, now)
      if (before.state !== 'unknown') expect(rank(after)).toBeGreaterThanOrEqual(rank(before))
      const fresh = protectionOf({ plans, points: [...points, good(0)] }, now)
      expect(fresh.state).toBe(after.rpoSeconds === undefined ? 'at-risk' : 'protected')
    }),
  )
})

test('time alone makes nothing better', () => {
  const objective = fc.integer({ min: 60, max: 10_000_000 })
  const stated = fc.array(fc.tuple(plan, objective), { maxLength: 3 })
  const past = fc.array(point, { maxLength: 6 }).map((points) => points.filter(({ takenAt }) => takenAt <= now))
  fc.assert(
    fc.property(stated, past, fc.integer({ min: 1, max: 5000 }), (pairs, points, hours) => {
      const plans = pairs.map(([each, rpoSeconds]) => ({ ...each, rpoSeconds }))
      const later = protectionOf({ plans, points }, hoursAgo(-hours))
      expect(rank(later)).toBeLessThanOrEqual(rank(protectionOf({ plans, points }, now)))
    }),
  )
})

test('the newest good restore point, and whether there is another, is all that counts of them', () => {
  fc.assert(
    fc.property(facts, ({ plans, points }) => {
      const latest = now.getTime() + 24 * HOUR_MS
      const newest = points
        .filter((each) => each.good && each.takenAt.getTime() <= latest)
        .sort((one, other) => other.takenAt.getTime() - one.takenAt.getTime())[0]
      const few = [...(newest ? [newest] : []), ...points.filter((each) => !each.good).slice(0, 1)]
      fc.pre(few.length > 0 || points.length === 0)
      expect(protectionOf({ plans, points: few }, now)).toEqual(protectionOf({ plans, points }, now))
    }),
  )
})

test('an instance is as badly off as the worst of its items, and without any it is unprotected', () => {
  fc.assert(
    fc.property(fc.array(facts, { maxLength: 5 }), (several) => {
      const items = several.map((each, index) => ({ name: `db${index}`, protection: protectionOf(each, now) }))
      const worst = worstProtection(items)
      if (items.length === 0) expect(worst.state).toBe('unprotected')
      else expect(rank(worst)).toBe(Math.min(...items.map(({ protection }) => rank(protection))))
      expect(worst.reason).toMatch(/^\S.*\.$/)
    }),
  )
})
