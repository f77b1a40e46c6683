import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextRuns } from './cron.ts'
import { type DuePlan, decideDueRuns, delayOf } from './due-runs.ts'

const hourly = { frequency: '0 0 * * * *', timezone: 'UTC' }
const hour = 3_600_000
const at = (time: string) => new Date(`2026-03-01T${time}Z`)
const decide = (fields: Partial<DuePlan> & Pick<DuePlan, 'now'>) =>
  decideDueRuns({ schedule: hourly, dueAt: at('02:00:00'), delayMs: 0, graceMs: hour, ...fields })

test('a plan that is due runs, and is due again at the next run', () => {
  expect(decide({ now: at('02:00:00.300') })).toEqual({
    missed: undefined,
    run: { dueAt: at('02:00:00'), late: false },
    nextDueAt: at('03:00:00'),
  })
})

test('one that is not due yet stays as it is', () => {
  expect(decide({ now: at('01:59:59.999') })).toEqual({
    missed: undefined,
    run: undefined,
    nextDueAt: at('02:00:00'),
  })
  expect(decide({ now: at('02:00:30'), delayMs: 60_000 }).nextDueAt).toEqual(at('02:00:00'))
})

test('after an outage the newest run is caught up, and the older ones are missed', () => {
  expect(decide({ now: at('05:30:00') })).toEqual({
    missed: { firstDueAt: at('02:00:00'), lastDueAt: at('04:00:00'), runs: 3 },
    run: { dueAt: at('05:00:00'), late: true },
    nextDueAt: at('06:00:00'),
  })
})

test('a run beyond the grace period is missed', () => {
  expect(decide({ now: at('03:30:00'), graceMs: 60_000 })).toEqual({
    missed: { firstDueAt: at('02:00:00'), lastDueAt: at('03:00:00'), runs: 2 },
    run: undefined,
    nextDueAt: at('04:00:00'),
  })
})

test('an outage of years of a plan that runs every second is decided at once', () => {
  const schedule = { frequency: '* * * * * *', timezone: 'UTC' }
  const now = new Date('2029-01-01T00:00:00.5Z')
  const { missed, run, nextDueAt } = decideDueRuns({ schedule, dueAt: at('00:00:00'), now, delayMs: 0, graceMs: hour })
  expect(run?.dueAt).toEqual(new Date('2029-01-01T00:00:00Z'))
  expect(nextDueAt).toEqual(new Date('2029-01-01T00:00:01Z'))
  expect(missed?.lastDueAt).toEqual(new Date('2028-12-31T23:59:59Z'))
})

test('every due run is accounted for exactly once, however often and late one looks', () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 20 * hour }), { minLength: 1, maxLength: 8 })
  const schedules = fc.constantFrom(
    hourly,
    { frequency: '0 */20 * * * *', timezone: 'Australia/Lord_Howe' },
    { frequency: '0 30 2 * * *', timezone: 'Europe/Berlin' },
  )
  fc.assert(
    fc.property(schedules, gaps, fc.integer({ min: 0, max: 2 * hour }), (schedule, gapsMs, delayMs) => {
      const start = new Date('2026-03-28T00:00:00Z')
      let now = start
      let [dueAt] = nextRuns(schedule, 1, start)
      let accounted = 0
      for (const gapMs of gapsMs) {
        now = new Date(now.getTime() + gapMs)
        if (dueAt === undefined) break
        const decided = decideDueRuns({ schedule, dueAt, now, delayMs, graceMs: hour })
        accounted += (decided.missed?.runs ?? 0) + (decided.run === undefined ? 0 : 1)
        dueAt = decided.nextDueAt
      }
      const due = nextRuns(schedule, 600, start).filter((run) => run.getTime() <= now.getTime() - delayMs)
      expect(accounted).toBe(due.length)
      expect(dueAt?.getTime()).toBeGreaterThan(now.getTime() - delayMs)
    }),
    { numRuns: 40 },
  )
})

test('plans are spread over the longest delay, each always by the same', () => {
  const delays = Array.from({ length: 600 }, (_, index) => delayOf(`65f1${index}`, 60))
  expect(delays.every((delay) => delay >= 0 && delay < 60_000)).toBe(true)
  expect(new Set(delays.map((delay) => Math.floor(delay / 10_000))).size).toBe(6)
  expect(delayOf('65f10', 60)).toBe(delays[0])
  expect(delayOf('65f10', 0)).toBe(0)
})
