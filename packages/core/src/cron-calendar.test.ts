import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextRuns } from './cron.ts'
import { shortestIntervalSeconds } from './cron-calendar.ts'
import { parseCron } from './cron-expression.ts'

const [HOUR, DAY] = [3600, 86_400]

test.each([
  ['* * * * * *', 1],
  ['0 */10 * * * *', 600],
  ['0 0,5 */2 * * *', 300],
  ['@hourly', HOUR],
  ['0 30 2,3 * * SAT,SUN', HOUR],
  ['0 0 0,23 * * *', HOUR],
  ['0 0 0,23 1 * *', 23 * HOUR],
  ['0 0 23 * * SAT', 7 * DAY],
  ['30 59 23,0 * * *', HOUR],
  ['0 0 0 1,L * *', DAY],
  ['0 0 0 1 * *', 28 * DAY],
  ['0 0 0 29 2 *', 4 * 365 * DAY + DAY],
  // 28 years pass between two, mostly.
  ['0 0 0 29 2 WED', 10_227 * DAY],
  ['0 0 0 31 6 *', undefined],
])('%s has %s seconds between two runs at least', (expression, seconds) => {
  expect(shortestIntervalSeconds(parseCron(expression))).toBe(seconds)
})

test('it is the shortest time between runs in a zone whose clocks never change', () => {
  const list = (maximum: number) =>
    fc
      .uniqueArray(fc.integer({ min: 0, max: maximum }), { minLength: 1, maxLength: 3 })
      .map((numbers) => numbers.join())
  const days = fc.constantFrom('* * *', '? * MON-FRI', '1,15 * *', 'L * *', '*/2 3,4 *', '1 * MON', '? * FRI#1,MONL')
  fc.assert(
    fc.property(list(59), list(59), list(23), days, (seconds, minutes, hours, day) => {
      const frequency = `${seconds} ${minutes} ${hours} ${day}`
      const runs = nextRuns({ frequency, timezone: 'UTC' }, 400, new Date('2001-01-01T00:00:00Z'))
      const intervals = runs.slice(1).map((run, index) => (run.getTime() - (runs[index]?.getTime() ?? 0)) / 1000)
      const shortest = shortestIntervalSeconds(parseCron(frequency)) ?? 0
      expect(Math.min(...intervals)).toBeGreaterThanOrEqual(shortest)
      if (day === '* * *' || day === '? * MON-FRI') expect(Math.min(...intervals)).toBe(shortest)
    }),
    { numRuns: 60 },
  )
})
