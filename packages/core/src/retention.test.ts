import { type RetentionStyle, retentionStyles } from '@osb-backup/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { expiredPoints, type RetainedPoint, type Retention } from './retention.ts'

const now = new Date('2026-03-01T00:00:00Z')
const hour = 3_600_000

function point(id: string, hoursAgo: number, fields: Partial<RetainedPoint> = {}): RetainedPoint {
  return { id, item: 'db1', takenAt: new Date(now.getTime() - hoursAgo * hour), held: false, good: true, ...fields }
}

const expiredIds = (points: RetainedPoint[], style: RetentionStyle, period: number) =>
  expiredPoints(points, { style, period }, now).map(({ id }) => id)

const daily = [point('a', 96), point('b', 72), point('c', 48), point('d', 24), point('e', 0)]

test('FILES keeps the newest of each item', () => {
  expect(expiredIds(daily, 'FILES', 2)).toEqual(['a', 'b', 'c'])
  const others = daily.map((each) => ({ ...each, id: `${each.id}2`, item: 'db2' }))
  expect(expiredIds([...daily, ...others.slice(0, 2)], 'FILES', 2)).toEqual(['a', 'b', 'c'])
})

test('HOURS and DAYS keep what is younger', () => {
  expect(expiredIds(daily, 'HOURS', 48)).toEqual(['a', 'b', 'c'])
  expect(expiredIds(daily, 'DAYS', 3)).toEqual(['a', 'b'])
})

test('ALL keeps everything', () => {
  expect(expiredIds(daily, 'ALL', 1)).toEqual([])
})

test('the newest stays however old it is', () => {
  expect(expiredIds([point('a', 5000), point('b', 4000)], 'HOURS', 1)).toEqual(['a'])
})

test('what a wrong clock dated of the future is no newer than what is made now', () => {
  const future = [point('x', -30_000), point('y', -29_000)]
  expect(expiredIds([...future, point('a', 24), point('b', 0)], 'FILES', 2)).toEqual(['y', 'x'])
  expect(expiredIds(future, 'FILES', 1)).toEqual(['y'])
})

test('what failed does not count, and does not push out what succeeded', () => {
  const failed = [point('x', 2, { good: false }), point('y', 1, { good: false })]
  expect(expiredIds([point('a', 48), point('b', 24), ...failed], 'FILES', 2)).toEqual([])
  expect(expiredIds([point('a', 48), ...failed, point('b', 0)], 'FILES', 2)).toEqual(['x', 'y'])
  expect(expiredIds(failed, 'FILES', 1)).toEqual([])
})

const retentions: fc.Arbitrary<Retention> = fc.record({
  style: fc.constantFrom(...retentionStyles),
  period: fc.integer({ min: 1, max: 100 }),
})
const pointSets = fc
  .array(
    fc.record({
      item: fc.constantFrom('db1', 'db2', 'db3'),
      // Also of the future: clocks are set wrong and right again.
      takenAt: fc.integer({ min: -5000, max: 100 }).map((hours) => new Date(now.getTime() + hours * hour)),
      held: fc.boolean(),
      good: fc.boolean(),
    }),
    { maxLength: 40 },
  )
  .map((points) => points.map((each, index) => ({ ...each, id: String(index) })))

test('held points and the newest good one of each item always stay, and whatever is newer than that', () => {
  fc.assert(
    fc.property(pointSets, retentions, fc.date({ noInvalidDate: true }), (points, retention, anyTime) => {
      const expired = expiredPoints(points, retention, anyTime)
      expect(expired.some(({ held }) => held)).toBe(false)
      for (const gone of expired) {
        const newerGood = points.filter(
          (each) =>
            each.item === gone.item &&
            each.good &&
            !expired.includes(each) &&
            (each.takenAt >= gone.takenAt || gone.takenAt > anyTime),
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
      const longer = expiredPoints(points, { ...retention, period: retention.period + 1 }, now)
      expect(longer.every((each) => expired.includes(each))).toBe(true)
    }),
  )
})

test('FILES n leaves at most n good points of an item that are not held, and the order given does not matter', () => {
  fc.assert(
    fc.property(pointSets, fc.integer({ min: 1, max: 5 }), (points, period) => {
      const retention = { style: 'FILES', period } as const
      const expired = expiredPoints(points, retention, now)
      const left = points.filter((each) => each.good && !each.held && !expired.includes(each))
      for (const ofItem of Map.groupBy(left, (each) => each.item).values()) {
        expect(ofItem.length).toBeLessThanOrEqual(period)
      }
      expect(expiredPoints(points.toReversed(), retention, now)).toEqual(expired)
    }),
  )
})
