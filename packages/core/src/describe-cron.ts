import { type CronExpression, type DayField, parseCron, type SpecialDay } from './cron-expression.ts'

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
]
const ORDINALS = ['', 'first', 'second', 'third', 'fourth', 'fifth']
/** More times of day than these are described by rule. */
const TIMES_LISTED = 6

/**
 * A cron expression in words, such as "At 02:00, on day 1 or 15 of the month, or on Monday". Where both day fields say which days, it
 * adds whether one of them is enough.
 *
 * @throws {CronSyntaxError}
 */
export function describeCron(expression: string): string {
  const cron = parseCron(expression)
  const words = [timesInWords(cron), daysInWords(cron), monthsInWords(cron.months)].filter(Boolean).join(', ')
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${dayRuleInWords(cron)}`
}

function timesInWords({ seconds, minutes, hours }: CronExpression): string {
  if (seconds.length * minutes.length * hours.length <= TIMES_LISTED) {
    const times = hours.flatMap((hour) =>
      minutes.flatMap((minute) => seconds.map((second) => clockTime(hour, minute, second))),
    )
    return `at ${listOf(times, 'and')}`
  }
  const isWhole = seconds.length === 1 && seconds[0] === 0
  const inMinutes = minutes.length === 60 ? '' : `in ${numbersInWords('minute', minutes)}`
  const often = isWhole ? pace('minute', minutes) : [pace('second', seconds), inMinutes].filter(Boolean).join(', ')
  if (hours.length < 24) return `${often}, in ${numbersInWords('hour', hours)}`
  return isWhole && often.startsWith('at') ? `${often} of every hour` : often
}

function clockTime(hour: number, minute: number, second: number): string {
  const parts = second === 0 ? [hour, minute] : [hour, minute, second]
  return parts.map((part) => String(part).padStart(2, '0')).join(':')
}

/** How often within 60 of a unit. */
function pace(unit: string, numbers: readonly number[]): string {
  if (numbers.length === 60) return `every ${unit}`
  const step = 60 / numbers.length
  const isRegular = numbers.length > 1 && numbers.every((number, index) => number === index * step)
  return isRegular ? `every ${step} ${unit}s` : `at ${numbersInWords(unit, numbers)}`
}

function numbersInWords(unit: string, numbers: readonly number[]): string {
  return `${unit}${numbers.length === 1 ? '' : 's'} ${listOf(rangesOf(numbers, String), 'and')}`
}

function daysInWords({ daysOfMonth, daysOfWeek, dayRule }: CronExpression): string {
  const [ofMonth, ofWeek] = [daysOfMonthInWords(daysOfMonth), daysOfWeekInWords(daysOfWeek)]
  if (ofMonth === '' && ofWeek === '') return 'every day'
  if (ofMonth === '' || ofWeek === '') return `on ${ofMonth}${ofWeek}`
  return dayRule === 'either' ? `on ${ofMonth}, or on ${ofWeek}` : `on ${ofMonth}, if it is ${ofWeek}`
}

function dayRuleInWords({ daysOfMonth, daysOfWeek, dayRule, fieldCount }: CronExpression): string {
  if (!daysOfMonth.isRestricted || !daysOfWeek.isRestricted) return ''
  if (dayRule === 'either') return ' (five fields, as in crontab: a day that matches one of the day fields is enough)'
  const syntax = fieldCount === 6 ? 'six fields, as in Spring' : 'as in crontab, where a day field starts with *'
  return ` (${syntax}: a day has to match both day fields)`
}

function daysOfMonthInWords({ numbers, special, isRestricted }: DayField): string {
  if (!isRestricted) return ''
  const days = numbers.length === 0 ? [] : [`day ${listOf(rangesOf(numbers, String), 'or')} of the month`]
  return listOf([...days, ...special.map(specialInWords)], 'or')
}

function daysOfWeekInWords({ numbers, special, isRestricted }: DayField): string {
  if (!isRestricted) return ''
  // People's weeks begin with Monday, so that a weekend is one range.
  const fromMonday = numbers.map((day) => (day + 6) % 7).sort((one, other) => one - other)
  const days = rangesOf(fromMonday, (day) => DAYS[(day + 1) % 7] ?? '')
  return listOf([...days, ...special.map(specialInWords)], 'or')
}

function specialInWords(special: SpecialDay): string {
  switch (special.kind) {
    case 'before-last':
      return special.days === 0 ? 'the last day of the month' : `the day ${special.days} before the last of the month`
    case 'last-weekday':
      return 'the last weekday (Monday to Friday) of the month'
    case 'nearest-weekday':
      return `the weekday (Monday to Friday) nearest to day ${special.day} of the month`
    case 'nth':
      return `the ${ORDINALS[special.nth]} ${DAYS[special.dayOfWeek]} of the month`
    case 'last':
      return `the last ${DAYS[special.dayOfWeek]} of the month`
  }
}

function monthsInWords(months: readonly number[]): string {
  if (months.length === MONTHS.length) return ''
  return `in ${listOf(
    rangesOf(months, (month) => MONTHS[month - 1] ?? ''),
    'and',
  )}`
}

/** Three and more numbers in a row become a range. */
function rangesOf(numbers: readonly number[], name: (number: number) => string): string[] {
  const ranges: string[] = []
  for (let index = 0; index < numbers.length; ) {
    let end = index
    while (numbers[end + 1] === (numbers[end] ?? 0) + 1) end++
    const [from, to] = [numbers[index] ?? 0, numbers[end] ?? 0]
    if (to - from >= 2) ranges.push(`${name(from)} to ${name(to)}`)
    else ranges.push(...numbers.slice(index, end + 1).map(name))
    index = end + 1
  }
  return ranges
}

function listOf(words: readonly string[], conjunction: 'and' | 'or'): string {
  if (words.length < 2) return words.join('')
  return `${words.slice(0, -1).join(', ')} ${conjunction} ${words.at(-1)}`
}
