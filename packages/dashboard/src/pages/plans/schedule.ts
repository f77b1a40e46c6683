/** A schedule as the builder edits it. What it cannot express is a cron expression. */
export type SimpleSchedule =
  | { frequency: 'hourly'; everyHours: number; minute: number }
  | { frequency: 'daily'; time: string }
  | { frequency: 'weekly'; time: string; weekdays: readonly Weekday[] }
  | { frequency: 'monthly'; time: string; dayOfMonth: number }
  | { frequency: 'custom'; cron: string }

/** As cron names them, in the order of the week. */
export const weekdays = ['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'] as const
export type Weekday = (typeof weekdays)[number]

/** Hours after which a schedule repeats at the same times every day. */
export const hourSteps = [1, 2, 3, 4, 6, 8, 12] as const

/** The cron expression, with six fields, of a schedule. */
export function cronOf(schedule: SimpleSchedule): string {
  switch (schedule.frequency) {
    case 'hourly':
      return `0 ${schedule.minute} ${schedule.everyHours === 1 ? '*' : `*/${schedule.everyHours}`} * * *`
    case 'daily':
      return `0 ${timeFields(schedule.time)} * * *`
    case 'weekly':
      return `0 ${timeFields(schedule.time)} * * ${weekdays.filter((day) => schedule.weekdays.includes(day)).join(',')}`
    case 'monthly':
      return `0 ${timeFields(schedule.time)} ${schedule.dayOfMonth} * *`
    case 'custom':
      return schedule.cron
  }
}

/** The schedule of a cron expression, as simple as it can be said: `cronOf` gives the same expression again. */
export function scheduleOf(cron: string): SimpleSchedule {
  const custom = { frequency: 'custom', cron } as const
  const [second, minute = '', hour = '', dayOfMonth = '', month, dayOfWeek = '', ...rest] = cron.split(' ')
  if (second !== '0' || month !== '*' || rest.length > 0) return custom
  const simple = simpleSchedule({ minute, hour, dayOfMonth, dayOfWeek })
  return simple !== undefined && cronOf(simple) === cron ? simple : custom
}

function simpleSchedule(fields: Record<'minute' | 'hour' | 'dayOfMonth' | 'dayOfWeek', string>) {
  const { minute, hour, dayOfMonth, dayOfWeek } = fields
  if (!isNumber(minute)) return undefined
  const everyHours = hour === '*' ? 1 : Number(/^\*\/(\d+)$/.exec(hour)?.[1])
  if ((hourSteps as readonly number[]).includes(everyHours)) {
    return { frequency: 'hourly', everyHours, minute: Number(minute) } as const
  }
  if (!isNumber(hour)) return undefined
  const time = `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`
  if (isNumber(dayOfMonth)) return { frequency: 'monthly', time, dayOfMonth: Number(dayOfMonth) } as const
  if (dayOfWeek === '*') return { frequency: 'daily', time } as const
  const named = dayOfWeek.split(',')
  return { frequency: 'weekly', time, weekdays: weekdays.filter((day) => named.includes(day)) } as const
}

const isNumber = (field: string) => /^\d{1,2}$/.test(field)

/** `02:30` as `30 2`. */
function timeFields(time: string): string {
  const [hour = 0, minute = 0] = time.split(':').map(Number)
  return `${minute} ${hour}`
}
