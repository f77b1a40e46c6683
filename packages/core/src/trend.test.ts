import fc from 'fast-check'
import { expect, test } from 'vitest'
import { growthPerDay, levelsByDay, reachedAt, type Sample } from './trend.ts'

const DAY_MS = 86_400_000
const start = new Date('2026-01-01T02:00:00Z')
const daily = (values: readonly number[]): Sample[] =>
  values.map((value, day) => ({ at: new Date(start.getTime() + day * DAY_MS), value }))

test('what grows by the same amount each day grows by that amount, in whatever order it is given', () => {
  const cases = fc.tuple(fc.integer({ min: 2, max: 500 }), fc.integer({ min: -1000, max: 1000 }), fc.nat(1_000_000))
  fc.assert(
    fc.property(cases, ([days, perDay, from]) => {
      const samples = daily(Array.from({ length: days }, (_, day) => from + day * perDay))
      expect(growthPerDay(samples)).toBeCloseTo(perDay, 6)
      expect(growthPerDay(samples.toReversed())).toBeCloseTo(perDay, 6)
    }),
  )
})

test('a few dumps of another size do not change the trend', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(29), { maxLength: 4 }), fc.nat(1_000_000_000), (days, size) => {
      const values = Array.from({ length: 30 }, (_, day) => 1000 + 10 * day)
      for (const day of days) values[day] = size
      const growth = growthPerDay(daily(values))
      expect(growth).toBeGreaterThanOrEqual(5)
      expect(growth).toBeLessThanOrEqual(20)
    }),
  )
})

test('nothing is said of the growth within less than a day', () => {
  expect(growthPerDay([])).toBeUndefined()
  expect(growthPerDay(daily([1]))).toBeUndefined()
  const hour = new Date(start.getTime() + 3_600_000)
  expect(growthPerDay([...daily([1]), { at: hour, value: 100 }])).toBeUndefined()
})

test('a limit is reached when what is left is used up, if ever', () => {
  const at = (value: number, perDay: number | undefined) => reachedAt({ value, perDay, limit: 100 }, start)
  expect(at(90, 5)).toEqual(new Date(start.getTime() + 2 * DAY_MS))
  expect(at(100, -1)).toEqual(start)
  for (const perDay of [undefined, 0, -1, 0.001]) expect([perDay, at(90, perDay)]).toEqual([perDay, undefined])
})

test('levels by day lead from what there was to what there is, and begin with the first day that had anything', () => {
  const day = (index: number) => new Date(start.getTime() + index * DAY_MS).toISOString().slice(0, 10)
  fc.assert(
    fc.property(fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 40 }), fc.nat(20), (values, missing) => {
      const changes = values.map((value, index) => ({ day: day(index), change: value - (values[index - 1] ?? 0) }))
      const now = new Date(start.getTime() + (values.length - 1) * DAY_MS)
      const levels = levelsByDay(values.at(-1) ?? 0, changes.toReversed(), { now, days: values.length + missing })
      const known = values.map((value, index) => ({ day: day(index), value }))
      expect(levels).toEqual(
        known.slice(known.findIndex(({ value }) => value !== 0)).filter(({ value }, index) => index > 0 || value !== 0),
      )
    }),
  )
  expect(levelsByDay(0, [], { now: start, days: 30 })).toEqual([])
})
