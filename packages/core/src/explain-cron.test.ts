import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cronOf } from './cron.ts'
import { explainCron } from './explain-cron.ts'

test.for([
  ['0 61 2 * * *', /^at character 3, minute "61": it takes 0 to 59/],
  ['0 0 2 32 * *', /^at character 7, day of month "32": it takes 1 to 31/],
  ['0 0 2 1,15,99 * *', /^at character 12, day of month "99"/],
  ['0 2 * 13 *', /^at character 7, month "13": it takes 1 to 12 or JAN to DEC/],
  ['0 0 2 * * MON-', /^at character 11, day of week "MON-"/],
  ['0 0 2 * * MON,,TUE', /^at character 15, day of week ""/],
  ['0 0 2 * * 5#6', /#1 to #5 behind it/],
  ['0  0 */0 * * *', /^at character 6, hour "\*\/0"/],
  ['* *', /^it has 2 fields and needs six/],
  ['whenever', /^it has 1 field and needs six/],
  ['0 0 2 * * * 2030', /^at character 13, it has 7 fields/],
  ['2030-01-01T00:00:00Z', /^it has 1 field and needs six/],
  ['', /^it has 0 fields/],
  ['@reboot', /^at character 1, "@reboot" is none of @yearly/],
] as const)('%j is refused, and where is said', ([expression, sentence]) => {
  expect(() => cronOf(expression, 'UTC')).toThrow()
  expect(explainCron(expression)).toMatch(sentence)
})

test.for([
  ['@daily', '2026-03-02T00:00:00.000Z'],
  ['@midnight', '2026-03-02T00:00:00.000Z'],
  ['0 2 * * *', '2026-03-01T02:00:00.000Z'],
  ['0 0 2 L * *', '2026-03-31T02:00:00.000Z'],
  ['0 0 2 ? * MON#1', '2026-03-02T02:00:00.000Z'],
  ['0 0 2 * * FRIL', '2026-03-27T02:00:00.000Z'],
  ['0 0 2 15W * *', '2026-03-16T02:00:00.000Z'],
  ['0 30 1 1 JAN,JUL *', '2026-07-01T01:30:00.000Z'],
  // Both days must fit, as Spring reads it: the next Friday that is a 13th.
  ['0 0 0 13 * FRI', '2026-03-13T00:00:00.000Z'],
  ['0 0 0 * * 7', '2026-03-08T00:00:00.000Z'],
] as const)('%s runs next at %s', ([expression, next]) => {
  expect(cronOf(expression, 'UTC').nextRun(new Date('2026-03-01T00:00:00Z'))?.toISOString()).toBe(next)
})

test('whatever is refused, the position lies in the expression', () => {
  const piece = fc.constantFrom('0', '5', '61', '*', '*/2', 'MON', 'L', '1-5', ',', '#', 'x', '-', '/', ' ', '  ', '@')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
      const expression = pieces.join('')
      try {
        cronOf(expression, 'UTC')
        return
      } catch {
        const position = /^at character (\d+),/.exec(explainCron(expression))?.[1]
        if (position !== undefined) expect(Number(position)).toBeLessThanOrEqual(expression.length + 1)
      }
    }),
    { numRuns: 2000 },
  )
})
