import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type EndedJob, expiredJobs } from './expiry.ts'

const now = new Date('2026-03-04T05:06:07Z')
const ended = (id: string, hoursAgo: number): EndedJob => ({
  kind: 'backup',
  id,
  endedAt: new Date(now.getTime() - hoursAgo * 3_600_000),
})
const ids = (jobs: EndedJob[]) => jobs.map(({ id }) => id)

test('jobs expire when they are too old, or when there are too many newer ones', () => {
  const jobs = [ended('c', 3), ended('a', 1), ended('d', 25), ended('b', 2)]
  const retention = (hours: number, maxNumber: number) => ({ maxAgeMs: hours * 3_600_000, maxNumber })
  expect(ids(expiredJobs(jobs, retention(24, 10), now))).toEqual(['d'])
  expect(ids(expiredJobs(jobs, retention(24, 2), now))).toEqual(['c', 'd'])
  expect(ids(expiredJobs(jobs, retention(100, 10), now))).toEqual([])
})

test('at most the maximum number is kept, and no job expires before an older one', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(100)), fc.integer({ min: 1, max: 20 }), fc.nat(100), (ages, maxNumber, hours) => {
      const jobs = ages.map((age, index) => ended(String(index), age))
      const gone = new Set(expiredJobs(jobs, { maxAgeMs: hours * 3_600_000, maxNumber }, now))
      const kept = jobs.filter((job) => !gone.has(job))
      expect(kept.length).toBeLessThanOrEqual(maxNumber)
      const oldestKept = Math.min(...kept.map(({ endedAt }) => endedAt.getTime()))
      for (const { endedAt } of gone) expect(endedAt.getTime()).toBeLessThanOrEqual(oldestKept)
      if (kept.length < Math.min(maxNumber, jobs.length)) {
        for (const { endedAt } of gone) expect(now.getTime() - endedAt.getTime()).toBeGreaterThan(hours * 3_600_000)
      }
    }),
  )
})
