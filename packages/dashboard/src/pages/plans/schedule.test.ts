import { expect, test } from 'vitest'
import { cronOf, scheduleOf } from './schedule.ts'

test.each([
  ['0 0 * * * *', { frequency: 'hourly', everyHours: 1, minute: 0 }],
  ['0 15 */6 * * *', { frequency: 'hourly', everyHours: 6, minute: 15 }],
  ['0 30 2 * * *', { frequency: 'daily', time: '02:30' }],
  ['0 0 23 * * MON,FRI', { frequency: 'weekly', time: '23:00', weekdays: ['MON', 'FRI'] }],
  ['0 5 4 28 * *', { frequency: 'monthly', time: '04:05', dayOfMonth: 28 }],
] as const)('%s is a simple schedule', (cron, schedule) => {
  expect(scheduleOf(cron)).toEqual(schedule)
  expect(cronOf(schedule)).toBe(cron)
})

test.each([
  '0 0 2 29 2 *',
  '10 0 2 * * *',
  '0 0 2 1 * MON',
  '0 0 2 * * FRI,MON',
  '0 0 2 * * 1-5',
  '0 0 */5 * * *',
  '0 02 2 * * *',
  '0 2 * * *',
  '@daily',
  '',
])('%s stays as it is', (cron) => {
  expect(scheduleOf(cron)).toEqual({ frequency: 'custom', cron })
  expect(cronOf(scheduleOf(cron))).toBe(cron)
})
