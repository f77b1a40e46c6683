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

test('generations keep the newest of each week and month, by the clocks of the zone', () => {
  const runs = Array.from({ length: 70 }, (_, day) => new Date(Date.UTC(2026, 0, 1 + day, 23, 30)))
  const generations = { daily: 2, weekly: 3, monthly: 2 }
  const dates = (timezone: string) =>
    runsKept(runs, { style: 'GFS', period: 1, generations, timezone }).map((run) => run.toISOString().slice(5, 10))
  // The 70th day, 11 March, is a Wednesday.
  expect(dates('UTC')).toEqual(['02-28', '03-01', '03-08', '03-10', '03-11'])
  // In Berlin each run is half past midnight of the next day.
  expect(dates('Europe/Berlin')).toEqual(['02-27', '02-28', '03-07', '03-10', '03-11'])
})

test('of no runs none is kept', () => {
  expect(runsKept([], { style: 'FILES', period: 1 })).toEqual([])
})
