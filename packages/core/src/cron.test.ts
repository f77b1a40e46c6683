import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nextRunAfter, nextRuns } from './cron.ts'

/** Runs in a span of time, as text. */
function runsBetween(frequency: string, timezone: string, from: string, until: string): string[] {
  return nextRuns({ frequency, timezone }, 100, new Date(from))
    .map((run) => run.toISOString())
    .filter((run) => run < new Date(until).toISOString())
}

describe('on the days that clocks change', () => {
  test.each([
    ['Europe/Berlin', '0 30 2 * * *', '2026-03-29', '2026-03-29T01:00:00.000Z'],
    ['America/New_York', '0 30 2 * * *', '2026-03-08', '2026-03-08T07:00:00.000Z'],
    ['Australia/Lord_Howe', '0 15 2 * * *', '2026-10-03', '2026-10-03T15:30:00.000Z'],
  ])('%s: a time that the clock jumps over runs once, when it jumps', (timezone, frequency, day, run) => {
    expect(runsBetween(frequency, timezone, `${day}T00:00:00Z`, `${day}T23:00:00Z`)).toEqual([run])
  })

  test.each([
    ['Europe/Berlin', '0 30 2 * * *', '2026-10-25', '2026-10-25T00:30:00.000Z'],
    ['America/New_York', '0 30 1 * * *', '2026-11-01', '2026-11-01T05:30:00.000Z'],
    ['Australia/Lord_Howe', '0 45 1 * * *', '2026-04-04', '2026-04-04T14:45:00.000Z'],
  ])('%s: a time that comes twice runs once, the first time', (timezone, frequency, day, run) => {
    expect(runsBetween(frequency, timezone, `${day}T00:00:00Z`, `${day}T23:00:00Z`)).toEqual([run])
    expect(nextRunAfter({ frequency, timezone }, new Date(run))?.toISOString().slice(0, 10)).not.toBe(day)
  })

  test.each([
    ['Europe/Berlin', '0 30 2,14 * * *', '2027-03-28', ['01:00', '12:30']],
    ['Europe/Berlin', '0 0,30 2 * * *', '2027-03-28', ['01:00']],
    ['Europe/Berlin', '0 30 1-3 * * *', '2027-03-28', ['00:30', '01:00', '01:30']],
    ['Europe/Berlin', '0 30 2,14 * * *', '2026-10-25', ['00:30', '13:30']],
    ['Europe/Berlin', '0 10,30 2 * * *', '2026-10-25', ['00:10', '00:30']],
    ['America/New_York', '0 30 1,13 * * *', '2026-11-01', ['05:30', '18:30']],
    ['Australia/Lord_Howe', '0 15,45 2,20 * * *', '2026-10-03', ['09:45', '10:15', '15:30', '15:45']],
  ])('%s, %j: each time of a list runs once', (timezone, frequency, day, times) => {
    const runs = runsBetween(frequency, timezone, `${day}T00:00:00Z`, `${day}T23:00:00Z`)
    expect(runs.map((run) => run.slice(11, 16))).toEqual(times)
  })

  test.each(['*', '*/1', '0/1', '0-23', '0-23/1', '*,0', '0-11,12-23', '0/2,1/2'])(
    'every hour, written %s, stays every hour',
    (hours) => {
      for (const day of ['2026-03-29', '2026-10-25']) {
        const runs = runsBetween(`0 0 ${hours} * * *`, 'Europe/Berlin', `${day}T00:30:00Z`, `${day}T06:30:00Z`)
        expect(runs.map((run) => run.slice(11, 13))).toEqual(['01', '02', '03', '04', '05', '06'])
      }
    },
  )
})

test('runs come one after the other, each found from the one before', () => {
  const schedules = fc.record({
    frequency: fc.constantFrom(
      '0 15,45 1-3 * * *',
      '0 30 */2 * * *',
      '0 30 2 * * *',
      '0 */15 * * * *',
      '30 0 1 1 * *',
      '0 0 2 * * MON-FRI',
      '@daily',
      '0 0 3 L * ?',
    ),
    timezone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu'),
  })
  const moments = fc.date({ noInvalidDate: true, min: new Date('2020-01-01'), max: new Date('2040-01-01') })
  fc.assert(
    fc.property(schedules, moments, (schedule, after) => {
      const runs = nextRuns(schedule, 5, after)
      for (const [index, run] of runs.entries()) {
        const before = runs[index - 1] ?? after
        expect(run.getTime()).toBeGreaterThan(before.getTime())
        expect(nextRunAfter(schedule, before)).toEqual(run)
      }
    }),
  )
})

test.each([
  ['0 2 1,15 * MON', 74],
  ['0 0 2 1,15 * MON', 2],
  // A field that begins with * restricts no day in crontab, so both have to match.
  ['0 2 */2 * MON', 26],
  ['0 2 * * MON', 52],
  ['0 2 1,15 * ?', 24],
])('%s runs %i times in 2026', (frequency, count) => {
  const year = nextRuns({ frequency, timezone: 'UTC' }, 400, new Date('2025-12-31T23:00:00Z'))
  expect(year.filter((run) => run < new Date('2027-01-01')).length).toBe(count)
})

test('an unknown time zone is refused', () => {
  expect(() => nextRuns({ frequency: '@hourly', timezone: 'Nowhere' }, 1, new Date())).toThrow(RangeError)
  expect(() => nextRuns({ frequency: '@daily', timezone: 'Nowhere' }, 1, new Date())).toThrow(RangeError)
})

test('what never comes due has no next run', () => {
  expect(nextRunAfter({ frequency: '0 0 0 30 2 *', timezone: 'UTC' }, new Date('2026-01-01'))).toBeUndefined()
})
