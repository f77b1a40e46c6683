import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type OrderedPoint, reorderedPoints } from './point-order.ts'

const point = (id: string, sequence: number, hour: number): OrderedPoint => ({
  id,
  sequence,
  takenAt: new Date(hour * 3_600_000),
})

/** The ids in the order in which they are after those that are reordered have got new numbers. */
function orderAfter(points: readonly OrderedPoint[], reordered: readonly string[]): string[] {
  const stay = points.filter(({ id }) => !reordered.includes(id)).sort((one, other) => one.sequence - other.sequence)
  return [...stay.map(({ id }) => id), ...reordered]
}

test('a dump that is older than all others comes first, one that is newer than all others last', () => {
  const points = [point('a', 1, 10), point('b', 2, 20), point('old', 3, 5)]
  expect(reorderedPoints(points, new Set(['old']))).toEqual(['old', 'a', 'b'])
  expect(reorderedPoints([point('a', 1, 10), point('new', 2, 20)], new Set(['new']))).toEqual([])
})

test('points before the first one that was recorded late keep their numbers', () => {
  const points = [point('a', 1, 10), point('b', 2, 20), point('late', 9, 15)]
  expect(reorderedPoints(points, new Set(['late']))).toEqual(['late', 'b'])
})

test('afterwards the late ones are in the order of time, and the others in the order they had', () => {
  const hours = fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.boolean()), { maxLength: 12 })
  fc.assert(
    fc.property(hours, (drawn) => {
      const sorted = drawn.toSorted(([, one], [, other]) => Number(one) - Number(other))
      const points = sorted.map(([hour], index) => point(`p${index}`, index * 2, hour))
      const late = new Set(points.filter((_, index) => sorted[index]?.[1]).map(({ id }) => id))
      const after = orderAfter(points, reorderedPoints(points, late))
      expect(after.toSorted()).toEqual(points.map(({ id }) => id).toSorted())
      const kept = points.filter(({ id }) => !late.has(id)).map(({ id }) => id)
      expect(after.filter((id) => !late.has(id))).toEqual(kept)
      const timeOf = (id: string) => points.find((each) => each.id === id)?.takenAt.getTime() ?? 0
      const times = after.filter((id) => late.has(id)).map(timeOf)
      expect(times).toEqual(times.toSorted((one, other) => one - other))
      // No late one comes after a point that is newer.
      for (const [index, id] of after.entries()) {
        if (!late.has(id)) continue
        const before = after.slice(0, index).filter((each) => !late.has(each))
        expect(before.every((each) => timeOf(each) <= timeOf(id))).toBe(true)
      }
    }),
  )
})
