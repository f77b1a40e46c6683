import { expect, test } from 'vitest'
import type { Generations } from './generations.ts'
import {
  decideRetention,
  expiredPoints,
  isRetentionShorter,
  type RetainedPoint,
  type RetentionStyle,
} from './retention.ts'

const now = new Date('2026-03-01T00:00:00Z')
const hour = 3_600_000

function point(id: string, hoursAgo: number, fields: Partial<RetainedPoint> = {}): RetainedPoint {
  return {
    id,
    item: 'db1',
    sequence: -hoursAgo,
    takenAt: new Date(now.getTime() - hoursAgo * hour),
    held: false,
    good: true,
    missing: false,
    suspicious: false,
    ...fields,
  }
}

const expiredIds = (points: RetainedPoint[], style: RetentionStyle, period: number) =>
  expiredPoints(points, { style, period }, now).map(({ id }) => id)

const daily = [point('a', 96), point('b', 72), point('c', 48), point('d', 24), point('e', 0)]

test('FILES keeps the newest of each item', () => {
  expect(expiredIds(daily, 'FILES', 2)).toEqual(['a', 'b', 'c'])
  const others = daily.map((each) => ({ ...each, id: `${each.id}2`, item: 'db2' }))
  expect(expiredIds([...daily, ...others.slice(0, 2)], 'FILES', 2)).toEqual(['a', 'b', 'c'])
})

test('HOURS and DAYS keep what is younger', () => {
  expect(expiredIds(daily, 'HOURS', 48)).toEqual(['a', 'b', 'c'])
  expect(expiredIds(daily, 'DAYS', 3)).toEqual(['a', 'b'])
})

test('GFS keeps the newest of each hour, day, week, month and year', () => {
  // Every six hours for 400 days, the newest at midnight of Sunday, 1 March.
  const points = Array.from({ length: 1600 }, (_, index) => point(String(index), index * 6))
  const kept = (wanted: Generations) => {
    const decisions = decideRetention(points, { style: 'GFS', period: 1, generations: wanted }, now)
    return [...decisions]
      .filter(([, reasons]) => reasons.length > 0)
      .map(([{ takenAt }]) => takenAt.toISOString().slice(0, 13))
  }
  expect(kept({ last: 2 })).toEqual(['2026-03-01T00', '2026-02-28T18'])
  expect(kept({ daily: 3 })).toEqual(['2026-03-01T00', '2026-02-28T18', '2026-02-27T18'])
  expect(kept({ weekly: 3 })).toEqual(['2026-03-01T00', '2026-02-22T18', '2026-02-15T18'])
  expect(kept({ monthly: 3 })).toEqual(['2026-03-01T00', '2026-02-28T18', '2026-01-31T18'])
  expect(kept({ yearly: 3 })).toEqual(['2026-03-01T00', '2025-12-31T18'])
  expect(kept({ yearly: 3, maxAgeDays: 50 })).toEqual(['2026-03-01T00'])
  expect(kept({ daily: 2, monthly: 2 })).toEqual(['2026-03-01T00', '2026-02-28T18'])
})

test('each restore point says why it is kept', () => {
  const points = [
    point('f', 0, { good: false }),
    point('e', 1),
    point('d', 2),
    point('c', 25, { held: true }),
    point('b', 26),
  ]
  const retention = { style: 'GFS', period: 1, generations: { hourly: 2, daily: 2 } } as const
  expect([...decideRetention(points, retention, now)].map(([{ id }, reasons]) => [id, reasons])).toEqual([
    ['f', ['unreplaced']],
    ['e', ['newest', 'hourly', 'daily']],
    ['d', ['hourly']],
    // It takes no place: the one below it is kept as the newest of the day.
    ['c', ['held', 'daily']],
    ['b', ['daily']],
  ])
})

test('the hour that clocks show twice is two hours', () => {
  // The clocks of Berlin go from 03:00 to 02:00 at 01:00 UTC.
  const points = [0, 30, 60, 90].map((minutes) => {
    const takenAt = new Date(Date.UTC(2026, 9, 25, 0, minutes))
    return { ...point(String(minutes), 0, { sequence: minutes }), takenAt }
  })
  const retention = { style: 'GFS', period: 1, generations: { hourly: 9 }, timezone: 'Europe/Berlin' } as const
  expect(expiredPoints(points, retention, new Date('2026-10-26T00:00:00Z')).map(({ id }) => id)).toEqual(['0', '60'])
})

test('ALL keeps everything', () => {
  expect(expiredIds(daily, 'ALL', 1)).toEqual([])
})

test('the newest stays however old it is', () => {
  expect(expiredIds([point('a', 5000), point('b', 4000)], 'HOURS', 1)).toEqual(['a'])
})

test('the order of recording counts, whatever a wrong clock dated', () => {
  const ahead = [point('a', -48, { sequence: 1 }), point('b', -47, { sequence: 2 })]
  const corrected = [point('c', 1, { sequence: 3 }), point('d', 0, { sequence: 4 })]
  expect(expiredIds([...ahead, ...corrected], 'FILES', 2)).toEqual(['a', 'b'])
  expect(expiredIds([...ahead, ...corrected], 'DAYS', 1)).toEqual([])
  // Those that were taken in the right time are not aged by one that was dated of the future.
  const before = [point('x', 20, { sequence: -2 }), point('y', 10, { sequence: -1 })]
  expect(expiredIds([...before, ...ahead], 'DAYS', 1)).toEqual([])
})

test('ages count from the newest good point: a plan that stopped keeps what it has', () => {
  const fortnight = Array.from({ length: 14 }, (_, day) => point(`day ${day}`, 24 * (13 - day)))
  for (const daysLater of [0, 1, 7, 14, 1000]) {
    const later = new Date(now.getTime() + daysLater * 24 * hour)
    expect(expiredPoints(fortnight, { style: 'DAYS', period: 14 }, later)).toEqual([])
    const failed = [...fortnight, point('failed', -24 * daysLater, { good: false })]
    expect(expiredPoints(failed, { style: 'DAYS', period: 14 }, later)).toEqual([])
  }
})

test('what is held takes none of the FILES', () => {
  const held = { held: true }
  expect(expiredIds([point('a', 4), point('b', 3, held), point('c', 2), point('d', 1)], 'FILES', 3)).toEqual([])
  expect(expiredIds([point('a', 4), point('b', 3), point('c', 2, held), point('d', 1)], 'FILES', 2)).toEqual(['a'])
  expect(expiredIds([point('a', 3), point('b', 2), point('c', 1, held)], 'FILES', 1)).toEqual(['a'])
})

test('a shrunken dump does not replace good restore points', () => {
  const suspicious = { suspicious: true }
  expect(expiredIds([point('a', 3), point('b', 2), point('c', 1, suspicious)], 'FILES', 1)).toEqual(['a'])
  expect(expiredIds([point('b', 200), point('c', 1, suspicious)], 'DAYS', 2)).toEqual([])
  // It expires as those beside it, and takes none of the FILES.
  const between = [point('a', 4), point('b', 3, suspicious), point('c', 2), point('d', 1)]
  expect(expiredIds(between, 'FILES', 3)).toEqual([])
  expect(expiredIds(between, 'FILES', 2)).toEqual(['a', 'b'])
})

test('what failed does not count, and does not push out what succeeded', () => {
  const failed = [point('x', 2, { good: false }), point('y', 1, { good: false })]
  expect(expiredIds([point('a', 48), point('b', 24), ...failed], 'FILES', 2)).toEqual([])
  expect(expiredIds([point('a', 48), ...failed, point('b', 0)], 'FILES', 2)).toEqual(['x', 'y'])
  expect(expiredIds(failed, 'FILES', 1)).toEqual([])
})

test('what is missing expires no earlier than if it were good, since it may be found again', () => {
  const missing = { good: false, missing: true }
  const unmounted = [point('a', 72, missing), point('b', 48, missing), point('c', 24, missing), point('d', 0)]
  expect(expiredIds(unmounted, 'FILES', 2)).toEqual([])
  expect(expiredIds(unmounted, 'FILES', 1)).toEqual(['a', 'b', 'c'])
  expect(expiredIds([...unmounted, point('e', -24)], 'FILES', 2)).toEqual(['a', 'b', 'c'])
})

test.for([
  ['FILES', 7, 'FILES', 8, true],
  ['FILES', 8, 'FILES', 7, false],
  ['DAYS', 1, 'HOURS', 24, false],
  ['HOURS', 23, 'DAYS', 1, true],
  ['DAYS', 7, 'FILES', 7, true],
  ['FILES', 7, 'DAYS', 7, true],
  ['FILES', 1000, 'ALL', 1, true],
  ['ALL', 1, 'FILES', 7, false],
  ['ALL', 1, 'ALL', 2, false],
  ['GFS', 1, 'FILES', 1, true],
  ['GFS', 1, 'ALL', 1, true],
  ['ALL', 1, 'GFS', 1, false],
] as const)('%s %i after %s %i is shorter: %s', ([style, period, styleBefore, periodBefore, isShorter]) => {
  expect(isRetentionShorter({ style, period }, { style: styleBefore, period: periodBefore })).toBe(isShorter)
})

test.for<[Generations, Generations, boolean]>([
  [{ daily: 7 }, { daily: 7 }, false],
  [{ daily: 6, weekly: 9 }, { daily: 7 }, true],
  [{ daily: 7, weekly: 1 }, { daily: 7 }, false],
  [{ daily: 7 }, { daily: 7, yearly: 1 }, true],
  [{ daily: 7, maxAgeDays: 90 }, { daily: 7 }, true],
  [{ daily: 7 }, { daily: 7, maxAgeDays: 90 }, false],
])('%o after %o is shorter: %s', ([now, before, isShorter]) => {
  const gfs = (generations: Generations, timezone?: string) =>
    ({ style: 'GFS', period: 1, generations, timezone }) as const
  expect(isRetentionShorter(gfs(now), gfs(before))).toBe(isShorter)
  expect(isRetentionShorter(gfs(now, 'UTC'), gfs(before))).toBe(isShorter)
  expect(isRetentionShorter(gfs(now, 'Asia/Tokyo'), gfs(before))).toBe(true)
})
