import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type PartPlan, partPlan } from './part-plan.ts'

const mebibyte = 1024 ** 2
const gibibyte = 1024 ** 3
const fiveTerabytes = 5e12

function total(plan: PartPlan, parts: number): number {
  let bytes = 0
  for (let number = 1; number <= parts; number++) bytes += plan(number)
  return bytes
}

/** The largest part that a size requires. */
function partAt(plan: PartPlan, bytes: number): number {
  let number = 1
  for (let left = bytes; left > plan(number); number++) left -= plan(number)
  return plan(number)
}

const limits = fc.record({
  firstBytes: fc.integer({ min: 1, max: 64 * mebibyte }),
  maximumParts: fc.integer({ min: 1, max: 10_000 }),
  largestBytes: fc.integer({ min: mebibyte, max: 5 * gibibyte }),
  capacityBytes: fc.integer({ min: 1, max: fiveTerabytes }),
})

test('holds the capacity wherever parts of the largest size would, within every limit', () => {
  fc.assert(
    fc.property(limits, (given) => {
      const plan = partPlan(given)
      const { maximumParts, largestBytes, capacityBytes } = given
      if (maximumParts * largestBytes >= capacityBytes) {
        expect(total(plan, maximumParts)).toBeGreaterThanOrEqual(capacityBytes)
      }
      let before = 0
      for (let number = 1; number <= maximumParts; number += Math.ceil(maximumParts / 100)) {
        const size = plan(number)
        expect(Number.isInteger(size) && size >= before && size <= largestBytes).toBe(true)
        before = size
      }
    }),
    { numRuns: 200 },
  )
})

test('begins as asked for where that leads far enough, and grows only where it must', () => {
  fc.assert(
    fc.property(limits, (given) => {
      const plan = partPlan(given)
      const first = Math.min(given.firstBytes, given.largestBytes)
      if (first * given.maximumParts >= given.capacityBytes) expect(plan(given.maximumParts)).toBe(first)
      // Parts need up to 33 doublings from one byte to the largest part.
      else if ((given.maximumParts - 33) * given.largestBytes >= given.capacityBytes) expect(plan(1)).toBe(first)
    }),
    { numRuns: 200 },
  )
})

test('doubles ten times within the 10,000 parts that S3 accepts', () => {
  const plan = partPlan({
    firstBytes: 5 * mebibyte,
    maximumParts: 10_000,
    largestBytes: 5 * gibibyte,
    capacityBytes: 5e12,
  })
  const sizes = [1, 1000, 2000, 10_000].map((number) => plan(number) / mebibyte)
  expect(sizes).toEqual([5, 5, 10, 2560])
})

test.each([
  { maximumParts: 10_000, at10: 20, at100: 90 },
  { maximumParts: 1000, at10: 1025, at100: 5121 },
])('reaches 5 TB with $maximumParts parts, which stay small while the object is', ({ maximumParts, at10, at100 }) => {
  const plan = partPlan({
    firstBytes: 8 * mebibyte,
    maximumParts,
    largestBytes: 5 * gibibyte,
    capacityBytes: fiveTerabytes,
  })
  expect(total(plan, maximumParts)).toBeGreaterThanOrEqual(fiveTerabytes)
  expect(partAt(plan, 10e9) / mebibyte).toBeLessThan(at10)
  expect(partAt(plan, 100e9) / mebibyte).toBeLessThan(at100)
})
