import { expect, test } from 'vitest'
import { describeCron } from './describe-cron.ts'

test.each([
  [
    '0 2 1,15 * MON',
    'At 02:00, on day 1 or 15 of the month, or on Monday (five fields, as in crontab: a day that matches one of the day fields is enough)',
  ],
  [
    '0 0 2 1,15 * MON',
    'At 02:00, on day 1 or 15 of the month, if it is Monday (six fields, as in Spring: a day has to match both day fields)',
  ],
  [
    '0 2 1 * */2',
    'At 02:00, on day 1 of the month, if it is Tuesday, Thursday, Saturday or Sunday (as in crontab, where a day field starts with *: a day has to match both day fields)',
  ],
  ['@daily', 'At 00:00, every day'],
  ['@hourly', 'At minute 0 of every hour, every day'],
  ['* * * * * *', 'Every second, every day'],
  ['*/10 * 3 * * *', 'Every 10 seconds, in hour 3, every day'],
  ['5 30-32 1,2,4 * * *', 'At second 5, in minutes 30 to 32, in hours 1, 2 and 4, every day'],
  ['0 */15 8-18 * * MON-FRI', 'Every 15 minutes, in hours 8 to 18, on Monday to Friday'],
  ['0 30 2,14 * * FRI-SUN', 'At 02:30 and 14:30, on Friday to Sunday'],
  ['30 0 2 ? JAN-MAR,JUL *', 'At 02:00:30, every day, in January to March and July'],
  ['0 0 2 L,L-3 * *', 'At 02:00, on the last day of the month or the day 3 before the last of the month'],
  [
    '0 0 2 1W,LW * *',
    'At 02:00, on the weekday (Monday to Friday) nearest to day 1 of the month or the last weekday (Monday to Friday) of the month',
  ],
  ['0 0 2 ? * FRI#2,SUNL', 'At 02:00, on the second Friday of the month or the last Sunday of the month'],
])('%s: %s', (expression, words) => {
  expect(describeCron(expression)).toBe(words)
})
