import { expect, test } from 'vitest'
import { nextRuns } from './cron.ts'

/**
 * A second implementation, which shares nothing with the first: it reads the clock of a zone once a minute for two days around each
 * change of the clocks, and compares what it sees with the expression, field by field.
 */

const ZONES = [
  ...['UTC', 'Europe/Berlin', 'Europe/London', 'Europe/Dublin', 'Europe/Lisbon', 'Europe/Athens', 'Europe/Chisinau'],
  ...['Europe/Istanbul', 'Europe/Moscow', 'Atlantic/Azores', 'Africa/Casablanca', 'Africa/Cairo', 'Africa/Lagos'],
  ...['Asia/Beirut', 'Asia/Jerusalem', 'Asia/Gaza', 'Asia/Tehran', 'Asia/Dubai', 'Asia/Kolkata', 'Asia/Kathmandu'],
  ...[
    'Asia/Shanghai',
    'Asia/Tokyo',
    'Australia/Perth',
    'Australia/Adelaide',
    'Australia/Sydney',
    'Australia/Lord_Howe',
  ],
  ...['Pacific/Auckland', 'Pacific/Chatham', 'Pacific/Norfolk', 'Pacific/Kiritimati', 'Pacific/Easter', 'America/Nuuk'],
  ...[
    'America/St_Johns',
    'America/Halifax',
    'America/New_York',
    'America/Chicago',
    'America/Phoenix',
    'America/Los_Angeles',
  ],
  ...['America/Adak', 'America/Havana', 'America/Asuncion', 'Antarctica/Troll'],
]
const CASES_PER_ZONE = 150
const RUNS_COMPARED = 24
const [MINUTE_MS, DAY_MS] = [60_000, 86_400_000]
const [FROM, UNTIL] = [Date.UTC(2026, 0, 1), Date.UTC(2028, 0, 1)]

interface Wall {
  minute: number
  hour: number
  day: number
  month: number
  weekday: number
  /** Minutes since 1970 on the face of the clock. */
  face: number
}

/** Reads the clock of a zone at a moment. */
function clockOf(timezone: string): (atMs: number) => Wall {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone: timezone, dateStyle: 'short', timeStyle: 'short' })
  return (atMs) => {
    const [day = 0, month = 0, year = 0, hour = 0, minute = 0] = format.format(atMs).split(/\D+/).map(Number)
    return wallOf(Date.UTC(year, month - 1, day, hour, minute) / MINUTE_MS)
  }
}

function wallOf(face: number): Wall {
  const date = new Date(face * MINUTE_MS)
  const [minute, hour, day] = [date.getUTCMinutes(), date.getUTCHours(), date.getUTCDate()]
  return { minute, hour, day, month: date.getUTCMonth() + 1, weekday: date.getUTCDay(), face }
}

/** Starts of the days, in UTC, in which the clocks of a zone change, and one in which they do not. */
function daysOfChange(clock: (atMs: number) => Wall): number[] {
  const offset = (atMs: number) => clock(atMs).face - atMs / MINUTE_MS
  const days = [Date.UTC(2026, 4, 31)]
  for (let day = FROM; day < UNTIL; day += DAY_MS) if (offset(day) !== offset(day + DAY_MS)) days.push(day)
  return days
}

interface Expression {
  text: string
  second: number
  matches: (wall: Wall) => boolean
  isHourly: boolean
}

/** A random expression, and what it means; both are put together from the same choices. */
function randomExpression(random: () => number): Expression {
  const below = (limit: number) => Math.floor(random() * limit)
  const field = (minimum: number, maximum: number): { text: string; has: (value: number) => boolean } => {
    const span = maximum - minimum + 1
    const [from, size, step] = [minimum + below(span), below(span), 1 + below(6)]
    const to = Math.min(maximum, from + size)
    switch (below(6)) {
      case 0:
        return { text: '*', has: () => true }
      case 1:
        return { text: String(from), has: (value) => value === from }
      case 2:
        return { text: `${from}-${to}`, has: (value) => value >= from && value <= to }
      case 3:
        return { text: `*/${step}`, has: (value) => (value - minimum) % step === 0 }
      case 4:
        return { text: `${from}/${step}`, has: (value) => value >= from && (value - from) % step === 0 }
      default:
        return { text: `${to},${from}`, has: (value) => value === from || value === to }
    }
  }
  const second = below(60)
  const [minute, hour] = [field(0, 59), field(0, 23)]
  const [day, month] =
    random() < 0.6
      ? [
          { text: '*', has: () => true },
          { text: '*', has: () => true },
        ]
      : [field(1, 31), field(1, 12)]
  const weekday = random() < 0.7 ? { text: '*', has: () => true } : field(1, 7)
  const isFive = random() < 0.4
  const onWeekday = ({ weekday: day }: Wall) => {
    const step = Number(/^\*\/(\d)/.exec(weekday.text)?.[1] ?? 0)
    // A step over the whole week begins with Sunday in crontab and with Monday in Spring, and 7-7 is a Sunday or a week.
    if (isFive && step > 0) return day % step === 0 || (day === 0 && 7 % step === 0)
    if (!isFive && weekday.text === '7-7') return true
    return weekday.has(day === 0 ? 7 : day)
  }
  const isEither = isFive && !day.text.startsWith('*') && !weekday.text.startsWith('*')
  const onDay = (wall: Wall) => (isEither ? day.has(wall.day) || onWeekday(wall) : day.has(wall.day) && onWeekday(wall))
  const fields = [minute, hour, day, month, weekday].map((each) => each.text).join(' ')
  return {
    text: isFive ? fields : `${second} ${fields}`,
    second: isFive ? 0 : second,
    matches: (wall) => minute.has(wall.minute) && hour.has(wall.hour) && month.has(wall.month) && onDay(wall),
    isHourly: Array.from({ length: 24 }, (_, each) => each).every(hour.has),
  }
}

/** What reading the clock every minute shows. */
function watch(walls: readonly Wall[], fromMs: number, expression: Expression): number[] {
  const runs: number[] = []
  let latest = (walls[0]?.face ?? 0) - 1
  for (const [index, wall] of walls.entries()) {
    const atMs = fromMs + index * MINUTE_MS
    if (!expression.isHourly && wall.face > latest + 1) {
      const jumpedOver = Array.from({ length: wall.face - latest - 1 }, (_, each) => wallOf(latest + 1 + each))
      if (jumpedOver.some(expression.matches)) runs.push(atMs)
    }
    const isSecondTime = wall.face <= latest
    if (expression.matches(wall) && (expression.isHourly || !isSecondTime)) runs.push(atMs + expression.second * 1000)
    latest = Math.max(latest, wall.face)
  }
  return [...new Set(runs)]
}

test.each(ZONES)(`%s: ${CASES_PER_ZONE} schedules agree with a watched clock`, (timezone) => {
  let state = ZONES.indexOf(timezone) + 1
  // A linear congruential generator, so that a failure comes again.
  const random = () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state / 2 ** 31
  }
  const clock = clockOf(timezone)
  const windows = daysOfChange(clock).map((day) => {
    const fromMs = day - DAY_MS / 2
    return { fromMs, walls: Array.from({ length: 2 * 1440 }, (_, minute) => clock(fromMs + minute * MINUTE_MS)) }
  })
  for (let index = 0; index < CASES_PER_ZONE; index++) {
    const expression = randomExpression(random)
    const { fromMs, walls } = windows[index % windows.length] ?? { fromMs: 0, walls: [] }
    const untilMs = fromMs + walls.length * MINUTE_MS
    const afterMs = fromMs + Math.floor(random() * walls.length) * MINUTE_MS - 1
    const seen = watch(walls, fromMs, expression).filter((run) => run > afterMs)
    const computed = nextRuns({ frequency: expression.text, timezone }, RUNS_COMPARED, new Date(afterMs))
      .map((run) => run.getTime())
      .filter((run) => run < untilMs)
    expect(computed, `${expression.text} in ${timezone} after ${new Date(afterMs).toISOString()}`).toEqual(
      seen.slice(0, RUNS_COMPARED),
    )
  }
})
