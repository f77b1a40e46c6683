/** A day that depends on the month: what a day field may hold besides numbers. */
export type SpecialDay =
  /** `L` and `L-3`: the number of days before the last one of the month. */
  | { kind: 'before-last'; days: number }
  /** `LW`: the last weekday, Monday to Friday, of the month. */
  | { kind: 'last-weekday' }
  /** `15W`: the weekday nearest to a day of the month. */
  | { kind: 'nearest-weekday'; day: number }
  /** `FRI#2`: the second Friday of the month. 0 is Sunday. */
  | { kind: 'nth'; dayOfWeek: number; nth: number }
  /** `FRIL`: the last Friday of the month. */
  | { kind: 'last'; dayOfWeek: number }

/** A field that names days. */
export interface DayField {
  numbers: readonly number[]
  special: readonly SpecialDay[]
  /** It says which days; `*` and `?` do not. */
  isRestricted: boolean
}

/** What a cron expression says. Numbers ascend, each once. */
export interface CronExpression {
  seconds: readonly number[]
  minutes: readonly number[]
  hours: readonly number[]
  daysOfMonth: DayField
  /** 1 is January. */
  months: readonly number[]
  /** 0 is Sunday, 6 is Saturday. */
  daysOfWeek: DayField
  /** Whether a day has to match both day fields, or one of them is enough. */
  dayRule: 'both' | 'either'
  /** How many fields it was written with. */
  fieldCount: 5 | 6
}

/** An expression that cannot be read. The message is part of a sentence that says where and what would be accepted. */
export class CronSyntaxError extends Error {
  override readonly name = 'CronSyntaxError'
}

interface FieldRules {
  name: string
  /** The values that are allowed, for error messages. */
  accepts: string
  minimum: number
  maximum: number
  names?: readonly string[]
  /** Number of the first of the names. */
  firstName?: number
  special?: (text: string) => SpecialDay | undefined
}

const DAY_NAMES = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']
const MONTH_NAMES = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const LONGEST_MONTH = 31
const WEEKS_OF_A_MONTH = 5
/** Sunday as the end of a week; as its beginning it is 0. */
const SUNDAY_LAST = 7

const second: FieldRules = { name: 'second', accepts: '0 to 59', minimum: 0, maximum: 59 }
const minute: FieldRules = { name: 'minute', accepts: '0 to 59', minimum: 0, maximum: 59 }
const hour: FieldRules = { name: 'hour', accepts: '0 to 23', minimum: 0, maximum: 23 }
const dayOfMonth: FieldRules = {
  name: 'day of month',
  accepts: '1 to 31, L (the last), L-3 (three days before it), LW or 15W (the nearest weekday)',
  minimum: 1,
  maximum: LONGEST_MONTH,
  special: specialDayOfMonth,
}
const month: FieldRules = {
  name: 'month',
  accepts: '1 to 12 or JAN to DEC',
  minimum: 1,
  maximum: 12,
  names: MONTH_NAMES,
  firstName: 1,
}
const dayOfWeek: FieldRules = {
  name: 'day of week',
  accepts: '0 to 7 or SUN to SAT, with L (the last) or #1 to #5 behind it',
  minimum: 0,
  maximum: SUNDAY_LAST,
  names: DAY_NAMES,
  firstName: 0,
  special: specialDayOfWeek,
}

/** As Spring defines them, in crontab's order of fields. */
const macros: Readonly<Record<string, string>> = {
  '@yearly': '0 0 0 1 1 *',
  '@annually': '0 0 0 1 1 *',
  '@monthly': '0 0 0 1 * *',
  '@weekly': '0 0 0 * * 0',
  '@daily': '0 0 0 * * *',
  '@midnight': '0 0 0 * * *',
  '@hourly': '0 0 * * * *',
}

/**
 * Reads a cron expression: six fields, seconds first, as Spring 5.3 and later read them, or five as crontab(5) does, where a day
 * matches either of two restricted day fields. Five fields may use Spring's extensions too.
 *
 * @throws {CronSyntaxError}
 */
export function parseCron(expression: string): CronExpression {
  const words = [...expression.matchAll(/\S+/g)].map((word) => ({ text: word[0].toUpperCase(), index: word.index }))
  const [first] = words
  if (first?.text.startsWith('@')) {
    const expanded = words.length === 1 ? macros[first.text.toLowerCase()] : undefined
    if (expanded !== undefined) return parseCron(expanded)
    const shown = JSON.stringify(expression.trim())
    throw new CronSyntaxError(
      `at character ${first.index + 1}, ${shown} is none of @yearly, @annually, @monthly, @weekly, @daily, @midnight and @hourly`,
    )
  }
  const fieldCount = words.length
  if (fieldCount !== 5 && fieldCount !== 6) {
    const place = words[6] === undefined ? '' : `at character ${words[6].index + 1}, `
    throw new CronSyntaxError(
      `${place}it has ${fieldCount} ${fieldCount === 1 ? 'field' : 'fields'} and needs six (second, minute, hour, day of month, month, day of week), or five without seconds`,
    )
  }
  const six = fieldCount === 6 ? words : [{ text: '0', index: 0 }, ...words]
  const [seconds, minutes, hours, days, months, weekdays] = six as [Word, Word, Word, Word, Word, Word]
  // In crontab a step over all days of the week begins with Sunday, in Spring with Monday.
  const week: FieldRules = { ...dayOfWeek, minimum: fieldCount === 5 ? 0 : 1 }
  const fields = {
    seconds: parseField(seconds, second).numbers,
    minutes: parseField(minutes, minute).numbers,
    hours: parseField(hours, hour).numbers,
    daysOfMonth: parseDays(days, dayOfMonth),
    months: parseField(months, month).numbers,
  }
  const daysOfWeek = parseDays(weekdays, week)
  return {
    ...fields,
    daysOfWeek: { ...daysOfWeek, numbers: ascending(daysOfWeek.numbers.map((day) => day % SUNDAY_LAST)) },
    dayRule: fieldCount === 5 && isCounted(days) && isCounted(weekdays) ? 'either' : 'both',
    fieldCount,
  }
}

interface Word {
  text: string
  /** Where it starts in the expression. */
  index: number
}

/** crontab takes a day field that begins with `*`, such as every second day, for one that adds no days of its own. */
function isCounted({ text }: Word): boolean {
  return !/^[*?]/.test(text)
}

function parseDays(word: Word, rules: FieldRules): DayField {
  const isAll = /^[*?]$/.test(word.text)
  return { ...parseField(isAll ? { ...word, text: '*' } : word, rules), isRestricted: !isAll }
}

/** Reads the elements of a field, which commas separate. */
function parseField(word: Word, rules: FieldRules): Omit<DayField, 'isRestricted'> {
  const numbers: number[] = []
  const special: SpecialDay[] = []
  let index = word.index
  for (const text of word.text.split(',')) {
    const day = rules.special?.(text)
    const range = day === undefined ? numbersOf(text, rules) : []
    if (range === undefined) {
      throw new CronSyntaxError(
        `at character ${index + 1}, ${rules.name} ${JSON.stringify(text)}: it accepts ${rules.accepts}; or *, ranges (1-5), lists (1,3) and steps (*/2)`,
      )
    }
    numbers.push(...range)
    if (day !== undefined) special.push(day)
    index += text.length + 1
  }
  return { numbers: ascending(numbers), special }
}

/** The numbers of `*`, `5`, `1-5`, and of each of them with a step; undefined if it is none of these. */
function numbersOf(text: string, rules: FieldRules): number[] | undefined {
  const [, range = '', stepText] = /^([^/]+)(?:\/(\d{1,9}))?$/.exec(text) ?? []
  const step = Number(stepText ?? 1)
  const bounds = range === '*' ? ([rules.minimum, rules.maximum] as const) : boundsOf(range, rules)
  if (bounds === undefined || step === 0) return undefined
  const [from, to] = bounds
  // A step makes a single number the start of a range.
  const until = stepText !== undefined && !range.includes('-') ? rules.maximum : to
  const numbers: number[] = []
  for (let number = from; number <= until; number += step) numbers.push(number)
  return numbers
}

function boundsOf(range: string, rules: FieldRules): readonly [number, number] | undefined {
  const [fromText = '', toText, ...more] = range.split('-')
  const start = numberOf(fromText, rules)
  const to = toText === undefined ? start : numberOf(toText, rules)
  if (start === undefined || to === undefined || more.length > 0) return undefined
  const isRange = rules.names === DAY_NAMES && toText !== undefined
  // 7-7 is every day in Spring, and Sunday in crontab.
  const startsWeek = isRange && start === SUNDAY_LAST && (to < SUNDAY_LAST || rules.minimum > 0)
  const from = startsWeek ? 0 : start
  return from <= to ? [from, to] : undefined
}

/** Sunday by name is the end of a week, as in Spring; `boundsOf` makes it the beginning of a range. */
function numberOf(text: string, { names, firstName = 0, minimum, maximum }: FieldRules): number | undefined {
  const named = names?.indexOf(text) ?? -1
  if (named !== -1) return names === DAY_NAMES && named === 0 ? SUNDAY_LAST : named + firstName
  const lowest = names === DAY_NAMES ? 0 : minimum
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  return number >= lowest && number <= maximum ? number : undefined
}

function specialDayOfMonth(text: string): SpecialDay | undefined {
  if (text === 'LW') return { kind: 'last-weekday' }
  const [, before] = /^L(?:-(\d{1,2}))?$/.exec(text) ?? []
  if (text === 'L') return { kind: 'before-last', days: 0 }
  const days = Number(before ?? 0)
  if (days >= 1 && days < LONGEST_MONTH) return { kind: 'before-last', days }
  const day = Number(/^(\d{1,2})W$/.exec(text)?.[1] ?? 0)
  return day >= 1 && day <= LONGEST_MONTH ? { kind: 'nearest-weekday', day } : undefined
}

function specialDayOfWeek(text: string): SpecialDay | undefined {
  const [, name = '', nthText] = /^([^#]+?)(?:L|#(\d))$/.exec(text) ?? []
  const day = numberOf(name, dayOfWeek)
  if (day === undefined) return undefined
  if (nthText === undefined) return { kind: 'last', dayOfWeek: day % SUNDAY_LAST }
  const nth = Number(nthText)
  return nth >= 1 && nth <= WEEKS_OF_A_MONTH ? { kind: 'nth', dayOfWeek: day % SUNDAY_LAST, nth } : undefined
}

function ascending(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((one, other) => one - other)
}
