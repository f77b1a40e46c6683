import { Text } from '@mantine/core'
import type { Trend } from '@osb-backup/protocol/v1'
import { useMemo, useState } from 'react'
import { messages } from '../../messages/messages.ts'
import classes from './restore-point-calendar.module.css'

const t = messages.instances.calendar
const DAY_MS = 86_400_000
const WEEKS = 18
const dayFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeZone: 'UTC' })

/** As many days as the calendar shows. */
export const CALENDAR_DAYS = WEEKS * 7

/** How many restore points each day left: a heat map whose days open. Arrow keys move in it, as in a grid. */
export function RestorePointCalendar({
  trend,
  selected,
  onSelect,
}: {
  trend: Trend
  selected: string | undefined
  onSelect: (day: string) => void
}) {
  const counts = useMemo(() => countByDay(trend), [trend])
  const [days] = useState(() => lastDays(new Date()))
  const most = Math.max(1, ...counts.values())
  return (
    <div>
      <div className={classes.scroll}>
        <fieldset className={classes.grid} aria-label={t.title}>
          {days.map((day) => {
            const count = counts.get(day) ?? 0
            const label = t.day(dayFormat.format(new Date(day)), t.count(count))
            return (
              <button
                type="button"
                key={day}
                className={classes.day}
                data-level={levelOf(count, most)}
                aria-label={label}
                aria-pressed={day === selected}
                disabled={count === 0}
                title={label}
                onClick={() => onSelect(day)}
              />
            )
          })}
        </fieldset>
      </div>
      <Text size="sm" c="dimmed" mt="xs">
        {t.hint}
      </Text>
    </div>
  )
}

const LEVELS = 4

/** 0 for none, 4 for the most. */
const levelOf = (count: number, most: number) => Math.ceil((count / most) * LEVELS)

function countByDay(trend: Trend): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { days } of trend.items) {
    for (const { day, dumpCount } of days) counts.set(day, (counts.get(day) ?? 0) + dumpCount)
  }
  return counts
}

/** The days of the last weeks in UTC, as the API counts them, from a Monday on. */
function lastDays(now: Date): string[] {
  const daysIntoWeek = (now.getUTCDay() + 6) % 7
  const count = (WEEKS - 1) * 7 + daysIntoWeek + 1
  return Array.from({ length: count }, (_, index) =>
    new Date(now.getTime() - (count - 1 - index) * DAY_MS).toISOString().slice(0, 10),
  )
}
