import { expect, test } from 'vitest'
import { runsKept } from './runs-kept.ts'

const days = Array.from({ length: 10 }, (_, day) => new Date(Date.UTC(2026, 2, 1 + day, 2)))

test.for([
  ['FILES', 3, 3],
  ['FILES', 100, 10],
  ['DAYS', 2, 2],
  ['HOURS', 25, 2],
  ['HOURS', 1, 1],
  ['ALL', 1, 10],
] as const)('%s %i keeps the newest %i of ten daily runs', ([style, period, kept]) => {
  expect(runsKept(days, { style, period })).toEqual(days.slice(-kept))
})

test('of no runs none is kept', () => {
  expect(runsKept([], { style: 'FILES', period: 1 })).toEqual([])
})
