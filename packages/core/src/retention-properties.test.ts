import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Generations, generationKinds } from './generations.ts'
import { countsAsBackup, decideRetention, expiredPoints, isRetentionShorter, type Retention } from './retention.ts'

const now = new Date('2026-03-01T00:00:00Z')
const hour = 3_600_000

const few = fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined })
const generations: fc.Arbitrary<Generations> = fc.record({
  ...{ last: few, hourly: few, daily: few, weekly: few, monthly: few, yearly: few },
  maxAgeDays: fc.option(fc.integer({ min: 1, max: 200 }), { nil: undefined }),
})
const retentions: fc.Arbitrary<Retention> = fc.record({
  style: fc.constantFrom('FILES', 'HOURS', 'DAYS', 'ALL', 'GFS'),
  period: fc.integer({ min: 1, max: 100 }),
  generations,
  timezone: fc.constantFrom('UTC', 'Pacific/Kiritimati', 'America/St_Johns'),
})
const withMore = ({ generations: { maxAgeDays, ...counts } = {}, ...retention }: Retention): Retention => ({
  ...retention,
  period: retention.period + 1,
  generations: {
    ...Object.fromEntries(Object.entries(counts).map(([kind, count = 0]) => [kind, count + 1])),
    maxAgeDays: maxAgeDays && maxAgeDays + 1,
  },
})
const pointSets = fc
  .array(
    fc.record({
      item: fc.constantFrom('db1', 'db2', 'db3'),
      // Also of the future: clocks are set wrong and right again.
      takenAt: fc.integer({ min: -5000, max: 100 }).map((hours) => new Date(now.getTime() + hours * hour)),
      held: fc.boolean(),
      good: fc.boolean(),
      missing: fc.boolean(),
      suspicious: fc.boolean(),
      order: fc.nat(),
    }),
    { maxLength: 40 },
  )
  .map((points) =>
    points.map(({ order, ...each }, index) => ({
      ...each,
      missing: each.missing && !each.good,
      id: String(index),
      sequence: order * 100 + index,
    })),
  )

test('a generation is never longer than its number, whatever is not held', () => {
  fc.assert(
    fc.property(
      pointSets,
      fc.constantFrom(...generationKinds),
      fc.integer({ min: 1, max: 4 }),
      (points, kind, count) => {
        const retention = { style: 'GFS', period: 1, generations: { [kind]: count } } as const
        for (const ofItem of Map.groupBy(points, ({ item }) => item).values()) {
          const kept = [...decideRetention(ofItem, retention, now)].filter(
            ([each, reasons]) => reasons.includes(kind) && countsAsBackup(each) && !each.held,
          )
          expect(kept.length).toBeLessThanOrEqual(count)
        }
      },
    ),
  )
})

test('what is missing would expire as well if it were good', () => {
  fc.assert(
    fc.property(pointSets, retentions, (points, retention) => {
      const expired = expiredPoints(points, retention, now).filter((each) => each.missing)
      for (const each of expired) {
        const found = points.map((other) => (other === each ? { ...other, good: true, missing: false } : other))
        expect(expiredPoints(found, retention, now).map(({ id }) => id)).toContain(each.id)
      }
    }),
  )
})

test('held points and the newest good one of each item always stay, and whatever is newer than that', () => {
  fc.assert(
    fc.property(pointSets, retentions, fc.date({ noInvalidDate: true }), (points, retention, anyTime) => {
      const expired = expiredPoints(points, retention, anyTime)
      expect(expired.some(({ held }) => held)).toBe(false)
      for (const gone of expired) {
        const newerGood = points.filter(
          (each) =>
            each.item === gone.item && countsAsBackup(each) && !expired.includes(each) && each.sequence > gone.sequence,
        )
        expect(newerGood.length).toBeGreaterThan(0)
      }
    }),
  )
})

test('sweeping again finds nothing more, and a longer period never more', () => {
  fc.assert(
    fc.property(pointSets, retentions, (points, retention) => {
      const expired = expiredPoints(points, retention, now)
      const left = points.filter((each) => !expired.includes(each))
      expect(expiredPoints(left, retention, now)).toEqual([])
      const longer = expiredPoints(points, withMore(retention), now)
      expect(isRetentionShorter(withMore(retention), retention)).toBe(false)
      expect(longer.every((each) => expired.includes(each))).toBe(true)
    }),
  )
})

test('ages are measured between restore points, and time that passes deletes nothing', () => {
  fc.assert(
    fc.property(pointSets, retentions, fc.nat(10_000), (points, retention, hours) => {
      const latest = Math.max(now.getTime(), ...points.map(({ takenAt }) => takenAt.getTime()))
      const expired = expiredPoints(points, retention, new Date(latest))
      expect(expiredPoints(points, retention, new Date(latest + hours * hour))).toEqual(expired)
    }),
  )
})

test('FILES n leaves at most n good points of an item that are not held, and the order given does not matter', () => {
  fc.assert(
    fc.property(pointSets, fc.integer({ min: 1, max: 5 }), (points, period) => {
      const retention = { style: 'FILES', period } as const
      const expired = expiredPoints(points, retention, now)
      const left = points.filter((each) => countsAsBackup(each) && !each.held && !expired.includes(each))
      for (const ofItem of Map.groupBy(left, (each) => each.item).values()) {
        expect(ofItem.length).toBeLessThanOrEqual(period)
      }
      expect(expiredPoints(points.toReversed(), retention, now)).toEqual(expired)
    }),
  )
})
