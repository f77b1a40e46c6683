import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CronSyntaxError, parseCron } from './cron-expression.ts'

const fieldNames = ['seconds', 'minutes', 'hours', 'daysOfMonth', 'months', 'daysOfWeek'] as const

/** The numbers of one field of an expression that has `*` everywhere else. */
function numbersOf(name: (typeof fieldNames)[number], text: string): readonly number[] {
  const field = parseCron(fieldNames.map((each) => (each === name ? text : '*')).join(' '))[name]
  return 'numbers' in field ? field.numbers : field
}

const range = (from: number, to: number, step = 1) =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step)

/** The cases of Spring's own tests of fields; Sunday is 0 here and 7 there. */
test.for([
  ['seconds', '42', [42]],
  ['seconds', '0-4,8-12', [...range(0, 4), ...range(8, 12)]],
  ['seconds', '57/2', [57, 59]],
  ['minutes', '30', [30]],
  ['hours', '23', [23]],
  ['hours', '0-23/2', range(0, 22, 2)],
  ['daysOfMonth', '1', [1]],
  ['months', '1', [1]],
  ['daysOfWeek', '0', [0]],
  ['daysOfWeek', '7-5', range(0, 5)],
  ['seconds', '15,30', [15, 30]],
  ['minutes', '1,2,5,9', [1, 2, 5, 9]],
  ['hours', '1,2,3', [1, 2, 3]],
  ['daysOfMonth', '1,2,3', [1, 2, 3]],
  ['months', '1,2,3', [1, 2, 3]],
  ['daysOfWeek', '1,2,3', [1, 2, 3]],
  ['minutes', '5,10-30/2', [5, ...range(10, 30, 2)]],
  ['seconds', '*', range(0, 59)],
  ['minutes', '*', range(0, 59)],
  ['hours', '*', range(0, 23)],
  ['daysOfMonth', '*', range(1, 31)],
  ['daysOfMonth', '?', range(1, 31)],
  ['months', '*', range(1, 12)],
  ['daysOfWeek', '*', range(0, 6)],
  ['daysOfWeek', '?', range(0, 6)],
  ['months', 'JAN,FEB,MAR,APR,MAY,JUN,JUL,AUG,SEP,OCT,NOV,DEC', range(1, 12)],
  ['daysOfWeek', 'SUN,MON,TUE,WED,THU,FRI,SAT', range(0, 6)],
  // Not among them, but read so by the same code.
  ['daysOfWeek', '1/1', range(0, 6)],
  ['daysOfWeek', 'MON/2', [0, 1, 3, 5]],
  ['daysOfWeek', '*/2', [0, 1, 3, 5]],
  ['daysOfWeek', '0/2', [0, 2, 4, 6]],
  ['daysOfWeek', '2/2', [2, 4, 6]],
  ['daysOfWeek', '7/3', [0]],
  ['daysOfWeek', 'SUN/3', [0]],
  ['daysOfWeek', 'FRI-SUN', [0, 5, 6]],
  ['daysOfWeek', '7-7', range(0, 6)],
  ['daysOfWeek', 'sun-tue', [0, 1, 2]],
  ['months', 'jan/3', [1, 4, 7, 10]],
  ['hours', '*/100', [0]],
] as const)('%s of %s', ([field, text, numbers]) => {
  expect(numbersOf(field, text)).toEqual(numbers)
})

test('in five fields a step over all days of the week begins with Sunday, as in crontab', () => {
  expect(parseCron('0 2 * * */2').daysOfWeek.numbers).toEqual([0, 2, 4, 6])
  expect(parseCron('0 2 * * MON/2').daysOfWeek.numbers).toEqual([0, 1, 3, 5])
  expect(parseCron('0 2 * * 7-7').daysOfWeek.numbers).toEqual([0])
})

/** The values that Spring's own tests refuse. */
test.for([
  ['seconds', ['0-12/0', '60', '20-10', '*/', '/5', '1/2/3', '-1', '1--2', '5-', '1,', '+5', '1.5', 'MON']],
  ['minutes', ['60']],
  ['hours', ['*ANYTHING_HERE', '24', '?']],
  [
    'daysOfMonth',
    ['0', '32', '1L', 'LL', '4L', '0L', 'W', 'W1', 'WW', '32W', '0W', 'L-0', 'L-31', 'L3', 'LW-1', '?,1'],
  ],
  ['months', ['0', '13', 'JANUARY', 'MON', '?']],
  [
    'daysOfWeek',
    [
      '8',
      '*SUN',
      'SUN*',
      'L',
      'L1',
      'LL',
      '-4L',
      '8L',
      '#',
      '1#',
      '#1',
      '1#L',
      'L#1',
      '8#1',
      'FRI#-1',
      'FRI#0',
      'FRI#6',
      'SAT-MON',
    ],
  ],
] as const)('%s accepts none of %j', ([field, texts]) => {
  for (const text of texts) expect(() => numbersOf(field, text), text).toThrow(CronSyntaxError)
})

test.for([
  ['0 61 2 * * *', /^at character 3, minute "61": it accepts 0 to 59/],
  ['0 0 2 32 * *', /^at character 7, day of month "32": it accepts 1 to 31/],
  ['0 0 2 1,15,99 * *', /^at character 12, day of month "99"/],
  ['0 2 * 13 *', /^at character 7, month "13": it accepts 1 to 12 or JAN to DEC/],
  ['0 0 2 * * MON-', /^at character 11, day of week "MON-"/],
  ['0 0 2 * * MON,,TUE', /^at character 15, day of week ""/],
  ['0 0 2 * * 5#6', /#1 to #5 behind it/],
  ['0  0 */0 * * *', /^at character 6, hour "\*\/0"/],
  ['0 70 2 40 * *', /^at character 3, minute/],
  ['*', /^it has 1 field and needs six/],
  ['* *', /^it has 2 fields and needs six/],
  ['whenever', /^it has 1 field and needs six/],
  ['* * * * * * *', /^at character 13, it has 7 fields/],
  ['2030-01-01T00:00:00Z', /^it has 1 field and needs six/],
  ['', /^it has 0 fields/],
  ['@reboot', /^at character 1, "@reboot" is none of @yearly/],
  ['@daily 5', /^at character 1, "@daily 5" is none of/],
] as const)('%j is refused, and the error says where', ([expression, sentence]) => {
  expect(() => parseCron(expression)).toThrow(sentence)
  expect(() => parseCron(expression)).toThrow(CronSyntaxError)
})

describe('names', () => {
  test.each([
    ['@yearly', '0 0 0 1 1 *'],
    ['@annually', '0 0 0 1 1 *'],
    ['@monthly', '0 0 0 1 * *'],
    ['@weekly', '0 0 0 * * 0'],
    ['@daily', '0 0 0 * * *'],
    ['@midnight', '0 0 0 * * *'],
    ['@HOURLY', '0 0 * * * *'],
  ])('%s is %s', (name, expression) => {
    expect(parseCron(name)).toEqual(parseCron(expression))
  })
})

test('whatever is written, it is read or refused at a position within it', () => {
  const piece = fc.constantFrom('0', '5', '61', '*', '*/2', 'MON', 'L', '1-5', ',', '#', 'W', '-', '/', ' ', '  ', '@')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
      const expression = pieces.join('')
      try {
        const { seconds, minutes, hours, months } = parseCron(expression)
        for (const numbers of [seconds, minutes, hours, months]) expect(numbers.length).toBeGreaterThan(0)
      } catch (error) {
        if (!(error instanceof CronSyntaxError)) throw error
        const position = /^at character (\d+),/.exec(error.message)?.[1]
        if (position !== undefined) expect(Number(position)).toBeLessThanOrEqual(expression.length + 1)
      }
    }),
    { numRuns: 2000 },
  )
})
