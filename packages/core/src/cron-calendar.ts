import type { CronExpression, DayField, SpecialDay } from './cron-expression.ts'

/** Wall-clock times are represented as instants of UTC: 02:30 as 02:30Z. */

const DAY_MS = 86_400_000
const DAY_SECONDS = 86_400
const WEEK_DAYS = 7
const [SUNDAY, FRIDAY, SATURDAY] = [0, 5, 6]
/** The calendar repeats itself after 400 years: a day that is not among them never comes. */
const CALENDAR_MONTHS = 400 * 12
/** 28 years without a missing leap year have every month with every first day of the week. */
const [SPAN_START_MS, SPAN_DAYS] = [Date.UTC(2001, 0, 1), 28 * 365 + 7]

/** The first time that an expression names later than another; undefined: never. */
export function nextTimeOnFace(cron: CronExpression, after: Date): Date | undefined {
  const dayMs = Math.floor(after.getTime() / DAY_MS) * DAY_MS
  if (isDayOf(cron, dayMs)) {
    const earliest = Math.floor((after.getTime() - dayMs) / 1000) + 1
    const second = nextSecondOfDay(cron, earliest)
    if (second !== undefined) return new Date(dayMs + second * 1000)
  }
  const nextMs = nextDay(cron, dayMs + DAY_MS)
  return nextMs === undefined ? undefined : new Date(nextMs + firstSecondOfDay(cron) * 1000)
}

/**
 * The shortest time between two times that an expression names, on the face of a clock. It depends on no time zone and no season:
 * on the days that clocks change the elapsed time may differ. Undefined if the expression never comes due.
 */
export function shortestIntervalSeconds(cron: CronExpression): number | undefined {
  const days = shortestIntervalDays(cron)
  if (days === undefined) return undefined
  const overnight = days * DAY_SECONDS + firstSecondOfDay(cron) - lastSecondOfDay(cron)
  return Math.min(overnight, ...intervalsWithinDay(cron))
}

/** Whether a day, given by its midnight, is one of an expression's. */
function isDayOf(cron: CronExpression, dayMs: number): boolean {
  const date = new Date(dayMs)
  if (!cron.months.includes(date.getUTCMonth() + 1)) return false
  const matches = [
    isDayOfField(cron.daysOfMonth, date.getUTCDate(), date),
    isDayOfField(cron.daysOfWeek, date.getUTCDay(), date),
  ]
  return cron.dayRule === 'either' ? matches.includes(true) : !matches.includes(false)
}

function isDayOfField(field: DayField, number: number, date: Date): boolean {
  return field.numbers.includes(number) || field.special.some((special) => isSpecialDay(special, date))
}

function isSpecialDay(special: SpecialDay, date: Date): boolean {
  const [day, dayOfWeek] = [date.getUTCDate(), date.getUTCDay()]
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
  switch (special.kind) {
    case 'before-last':
      return day === lastDay - special.days
    case 'last-weekday':
      return isWeekday(dayOfWeek) && (day === lastDay || (dayOfWeek === FRIDAY && day > lastDay - 3))
    case 'nearest-weekday':
      return isNearestWeekday(special.day, day, dayOfWeek, lastDay)
    case 'nth':
      return dayOfWeek === special.dayOfWeek && Math.ceil(day / WEEK_DAYS) === special.nth
    case 'last':
      return dayOfWeek === special.dayOfWeek && day > lastDay - WEEK_DAYS
  }
}

/**
 * As in Spring: of a Saturday the Friday before, or the Monday after if it is the first; of a Sunday the Monday after. A month
 * that has no such day, or ends before that Monday, is left out.
 */
function isNearestWeekday(wanted: number, day: number, dayOfWeek: number, lastDay: number): boolean {
  if (wanted > lastDay || !isWeekday(dayOfWeek)) return false
  const wantedDayOfWeek = (dayOfWeek + wanted - day + 5 * WEEK_DAYS) % WEEK_DAYS
  if (wantedDayOfWeek === SATURDAY) return day === (wanted === 1 ? 3 : wanted - 1)
  return day === (wantedDayOfWeek === SUNDAY ? wanted + 1 : wanted)
}

function isWeekday(dayOfWeek: number): boolean {
  return dayOfWeek !== SATURDAY && dayOfWeek !== SUNDAY
}

/** The first day of an expression from a day on. */
function nextDay(cron: CronExpression, fromMs: number): number | undefined {
  let dayMs = fromMs
  for (let months = 0; months <= CALENDAR_MONTHS; months++) {
    const date = new Date(dayMs)
    const nextMonthMs = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)
    if (cron.months.includes(date.getUTCMonth() + 1)) {
      for (; dayMs < nextMonthMs; dayMs += DAY_MS) if (isDayOf(cron, dayMs)) return dayMs
    }
    dayMs = nextMonthMs
  }
  return undefined
}

/** The shortest distance between two days of an expression. */
function shortestIntervalDays(cron: CronExpression): number | undefined {
  const first = nextDay(cron, SPAN_START_MS)
  if (first === undefined) return undefined
  let shortest = SPAN_DAYS
  for (let dayMs = first; shortest > 1 && dayMs < SPAN_START_MS + SPAN_DAYS * DAY_MS; ) {
    const following = nextDay(cron, dayMs + DAY_MS) ?? Number.POSITIVE_INFINITY
    shortest = Math.min(shortest, (following - dayMs) / DAY_MS)
    dayMs = following
  }
  return shortest
}

const secondOfDay = (hour = 0, minute = 0, second = 0) => (hour * 60 + minute) * 60 + second
const firstSecondOfDay = (cron: CronExpression) => secondOfDay(cron.hours[0], cron.minutes[0], cron.seconds[0])
const lastSecondOfDay = (cron: CronExpression) =>
  secondOfDay(cron.hours.at(-1), cron.minutes.at(-1), cron.seconds.at(-1))

/** The first second of the day that an expression names, from another one on. */
function nextSecondOfDay({ hours, minutes, seconds }: CronExpression, from: number): number | undefined {
  for (const hour of hours) {
    if (secondOfDay(hour, 59, 59) < from) continue
    for (const minute of minutes) {
      if (secondOfDay(hour, minute, 59) < from) continue
      const second = seconds.find((each) => secondOfDay(hour, minute, each) >= from)
      if (second !== undefined) return secondOfDay(hour, minute, second)
    }
  }
  return undefined
}

/** The candidates for the shortest time between two times of one day. */
function intervalsWithinDay({ hours, minutes, seconds }: CronExpression): number[] {
  const [firstSecond = 0, lastSecond = 0] = [seconds[0], seconds.at(-1)]
  const [firstMinute = 0, lastMinute = 0] = [minutes[0], minutes.at(-1)]
  return [
    ...gaps(seconds),
    ...gaps(minutes).map((gap) => gap * 60 + firstSecond - lastSecond),
    ...gaps(hours).map((gap) => (gap * 60 + firstMinute - lastMinute) * 60 + firstSecond - lastSecond),
  ]
}

function gaps(numbers: readonly number[]): number[] {
  return numbers.slice(1).map((number, index) => number - (numbers[index] ?? 0))
}
