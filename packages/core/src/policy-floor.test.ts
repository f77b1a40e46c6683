import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { daysKept, type Floor, type FloorSubject, floorViolations } from './policy-floor.ts'
import { expiredPoints, isRetentionShorter, type Retention } from './retention.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

const subject: FloorSubject = {
  retention: { style: 'DAYS', period: 14 },
  isEncrypted: true,
  destination: { kind: 's3', server: 'https://s3.example/', container: 'backups-shop' },
}

const rulesBroken = (floor: Floor, changes: Partial<FloorSubject> = {}) =>
  floorViolations({ ...subject, ...changes }, floor).map(({ rule }) => rule)

const generations = fc.record(
  {
    last: fc.integer({ min: 1, max: 5 }),
    hourly: fc.integer({ min: 1, max: 60 }),
    daily: fc.integer({ min: 1, max: 20 }),
    weekly: fc.integer({ min: 1, max: 6 }),
    monthly: fc.integer({ min: 1, max: 4 }),
    maxAgeDays: fc.integer({ min: 1, max: 60 }),
  },
  { requiredKeys: [] },
)
const retention: fc.Arbitrary<Retention> = fc.oneof(
  fc.constant<Retention>({ style: 'ALL', period: 1 }),
  fc.record({
    style: fc.constantFrom('FILES' as const, 'HOURS' as const, 'DAYS' as const),
    period: fc.integer({ min: 1, max: 60 }),
  }),
  generations.map((each): Retention => ({ style: 'GFS', period: 1, generations: each })),
)

describe('minimum retention', () => {
  test('each style of retention is measured in days', () => {
    const gfs = (each: Retention['generations']): Retention => ({ style: 'GFS', period: 1, generations: each })
    expect(daysKept({ style: 'ALL', period: 1 })).toBe(Number.POSITIVE_INFINITY)
    expect(daysKept({ style: 'DAYS', period: 7 })).toBe(7)
    expect(daysKept({ style: 'HOURS', period: 36 })).toBe(1.5)
    expect(daysKept(gfs({ daily: 7, monthly: 2 }))).toBe(7)
    expect(daysKept(gfs({ hourly: 48 }))).toBe(2)
    expect(daysKept(gfs({ daily: 40, maxAgeDays: 30 }))).toBe(30)
  })

  test('generations that keep one restore point of several days are no age either', () => {
    expect(daysKept({ style: 'GFS', period: 1, generations: { weekly: 9, monthly: 12, yearly: 5 } })).toBe(0)
  })

  test('a number of restore points is no age, as backups in a row replace them', () => {
    expect(daysKept({ style: 'FILES', period: 1000 })).toBe(0)
    expect(daysKept({ style: 'GFS', period: 1, generations: { last: 1000 } })).toBe(0)
    expect(rulesBroken({ minimumRetentionDays: 1 }, { retention: { style: 'FILES', period: 1000 } })).toEqual([
      'retention',
    ])
  })

  test('as many days as are required are enough, and no fewer', () => {
    expect(rulesBroken({ minimumRetentionDays: 14 })).toEqual([])
    expect(rulesBroken({ minimumRetentionDays: 15 })).toEqual(['retention'])
    expect(rulesBroken({})).toEqual([])
  })

  test('a retention above a floor keeps the restore point of a day that is nearly so old, however many are taken since', () => {
    fc.assert(
      fc.property(
        retention,
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 30 }),
        (each, days, backups) => {
          fc.pre(daysKept(each) >= days + 1)
          const now = new Date('2026-03-31T12:00:00Z')
          const points = Array.from({ length: backups + 1 }, (_, index) => ({
            ...{
              id: String(index),
              item: 'shop',
              sequence: index,
              held: false,
              good: true,
              missing: false,
              suspicious: false,
            },
            // One old restore point, and then one every minute.
            takenAt:
              index === 0
                ? new Date(now.getTime() - days * DAY_MS)
                : new Date(now.getTime() - (backups - index) * 60_000),
          }))
          expect(expiredPoints(points, each, now).map(({ id }) => id)).not.toContain('0')
        },
      ),
    )
  })

  test('a retention that is not shorter than one above the floor is above it too', () => {
    fc.assert(
      fc.property(retention, retention, fc.integer({ min: 1, max: 60 }), (one, other, days) => {
        fc.pre(daysKept(one) >= days && !isRetentionShorter(other, one))
        expect(daysKept(other)).toBeGreaterThanOrEqual(days)
      }),
    )
  })
})

test('where encryption is required a plan needs a key', () => {
  expect(rulesBroken({ encryptionRequired: true })).toEqual([])
  expect(rulesBroken({ encryptionRequired: true }, { isEncrypted: false })).toEqual(['encryption'])
  expect(rulesBroken({ encryptionRequired: false }, { isEncrypted: false })).toEqual([])
})

describe('allowed destinations', () => {
  const allowed = (...allowedDestinations: NonNullable<Floor['allowedDestinations']>) =>
    rulesBroken({ allowedDestinations }).length === 0

  test('kind, server and container have to match one entry', () => {
    expect(allowed({ kind: 's3' })).toBe(true)
    expect(allowed({ kind: 'swift' }, { kind: 's3', server: 'https://s3.example' })).toBe(true)
    expect(allowed({ kind: 's3', server: 'https://s3.example', container: 'backups-*' })).toBe(true)
    expect(allowed({ kind: 'swift' })).toBe(false)
    expect(allowed({ kind: 's3', container: 'backups' })).toBe(false)
    expect(allowed({ kind: 's3', server: 'https://other.example', container: 'backups-*' })).toBe(false)
    expect(allowed()).toBe(false)
  })

  test('servers are compared whole', () => {
    for (const server of [
      'https://s3.example.evil',
      'http://s3.example',
      'https://s3.example:8443',
      'https://x@s3.exampl',
      's3.example',
    ]) {
      expect(allowed({ kind: 's3', server }), server).toBe(false)
    }
    for (const server of ['https://S3.example:443', 'https://s3.example/path']) {
      expect(allowed({ kind: 's3', server }), server).toBe(true)
    }
    const destination = { kind: 's3', server: undefined, container: 'backups' }
    expect(rulesBroken({ allowedDestinations: [{ kind: 's3', server: 'nonsense' }] }, { destination })).toEqual([
      'destination',
    ])
  })
})

test('all that is wrong is found, and says what is required', () => {
  const floor: Floor = { minimumRetentionDays: 30, encryptionRequired: true, allowedDestinations: [{ kind: 'swift' }] }
  expect(floorViolations({ ...subject, isEncrypted: false }, floor)).toEqual([
    { rule: 'retention', message: expect.stringMatching(/at least 30 days; .* 14 days/) },
    { rule: 'encryption', message: expect.stringMatching(/requires encryption/) },
    { rule: 'destination', message: expect.stringMatching(/s3 https:\/\/s3\.example\/ backups-shop/) },
  ])
})
