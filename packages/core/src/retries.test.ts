import { failureCodes } from '@osb-backup/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type FailedAttempt, nextAttemptAt, type RetryRules } from './retries.ts'

const endedAt = new Date('2026-03-01T02:00:00Z')
const failed: FailedAttempt = { number: 1, failures: ['agent-unreachable'], endedAt }
const rules: RetryRules = { retries: 2, firstWaitMs: 300_000, nextRunAt: undefined }
const minutesAfter = (at: Date | undefined) => at && (at.getTime() - endedAt.getTime()) / 60_000

test('the wait doubles with each attempt, until no retry is left', () => {
  const waits = [1, 2, 3, 4].map((number) =>
    minutesAfter(nextAttemptAt({ ...failed, number }, { ...rules, retries: 3 })),
  )
  expect(waits).toEqual([5, 10, 20, undefined])
})

test.for([
  ['agent-unreachable', true],
  ['agent-busy', true],
  ['agent-restarted', true],
  ['destination-unavailable', true],
  ['script-temporary', true],
  ['credhub-unavailable', true],
  ['credhub-rejected', false],
  ['agent-rejected', false],
  ['database-busy', false],
  ['cancelled', false],
  ['outcome-unknown', false],
  ['other', false],
] as const)('whether %s is followed by another attempt: %s', ([code, isRetried]) => {
  expect(nextAttemptAt({ ...failed, failures: [code] }, rules) !== undefined).toBe(isRetried)
})

test('one part that failed for a transient reason is enough', () => {
  expect(nextAttemptAt({ ...failed, failures: ['other', 'destination-unavailable'] }, rules)).toBeDefined()
  expect(nextAttemptAt({ ...failed, failures: [] }, rules)).toBeUndefined()
})

test('a part that was cancelled, or may still be running, prevents every other attempt', () => {
  for (const code of ['cancelled', 'outcome-unknown'] as const) {
    expect(nextAttemptAt({ ...failed, failures: ['agent-unreachable', code] }, rules)).toBeUndefined()
  }
})

test('a plan without retries has none, and the next run comes first', () => {
  expect(nextAttemptAt(failed, { ...rules, retries: 0 })).toBeUndefined()
  const at = nextAttemptAt(failed, rules)
  expect(nextAttemptAt(failed, { ...rules, nextRunAt: at })).toBeUndefined()
  expect(nextAttemptAt(failed, { ...rules, nextRunAt: new Date((at?.getTime() ?? 0) + 1) })).toEqual(at)
})

test('attempts end, each comes later than the one before it ended and before the next run', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 10 }),
      fc.integer({ min: 1000, max: 86_400_000 }),
      fc.option(fc.date({ noInvalidDate: true, min: endedAt, max: new Date('2026-04-01T00:00:00Z') }), {
        nil: undefined,
      }),
      fc.array(fc.constantFrom(...failureCodes), { maxLength: 5 }),
      (retries, firstWaitMs, nextRunAt, failures) => {
        let at: Date | undefined = endedAt
        let attempts = 0
        while (at !== undefined) {
          attempts++
          const before: Date = at
          at = nextAttemptAt({ number: attempts, failures, endedAt: before }, { retries, firstWaitMs, nextRunAt })
          if (at === undefined) break
          expect(at.getTime() - before.getTime()).toBeGreaterThanOrEqual(firstWaitMs)
          if (nextRunAt !== undefined) expect(at < nextRunAt).toBe(true)
        }
        expect(attempts).toBeLessThanOrEqual(retries + 1)
      },
    ),
  )
})
