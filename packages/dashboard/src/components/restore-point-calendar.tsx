import { Text } from '@mantine/core'
import type { Trend } from '@osb-backup/protocol/v1'
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react'
import * as messages from '../messages/messages.ts'
import classes from './restore-point-calendar.module.css'

const t = messages.instances.calendar
const DAY_MS = 86_400_000
const WEEKS = 52
const dayFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeZone: 'UTC' })
const monthFormat = new Intl.DateTimeFormat(undefined, { month: 'short', timeZone: 'UTC' })

/** As many days as the calendar shows. */
export const CALENDAR_DAYS = WEEKS * 7

/** By how many days each key moves the focus: a column is a week. */
const steps: Readonly<Record<string, number>> = { ArrowUp: -1, ArrowDown: 1, ArrowLeft: -7, ArrowRight: 7 }

/** How many restore points each day left: a heat map whose days open. Arrow keys move in it. */
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
  const [focused, setFocused] = useState<string>()
  const scroll = useRef<HTMLDivElement>(null)
  // The newest days are the ones that are needed.
  useEffect(() => {
    scroll.current?.scrollTo({ left: scroll.current.scrollWidth })
  }, [])
  const most = Math.max(1, ...counts.values())
  const tabStop = focused ?? selected ?? days.findLast((day) => counts.has(day)) ?? days.at(-1)
  const onKey = (event: KeyboardEvent<HTMLElement>) => {
    const step = steps[event.key]
    if (step === undefined || tabStop === undefined) return
    event.preventDefault()
    const next = days[days.indexOf(tabStop) + step]
    if (next !== undefined) scroll.current?.querySelector<HTMLElement>(`[data-day="${next}"]`)?.focus()
  }
  return (
    <div>
      <div className={classes.scroll} ref={scroll}>
        <div className={classes.months} aria-hidden>
          {firstDaysOfMonths(days).map(({ day, week }) => (
            <span key={day} style={{ gridColumn: week + 1 }}>
              {monthFormat.format(new Date(day))}
            </span>
          ))}
        </div>
        <fieldset className={classes.grid} aria-label={t.title} onKeyDown={onKey}>
          {days.map((day) => {
            const count = counts.get(day) ?? 0
            const label = t.day(dayFormat.format(new Date(day)), t.count(count))
            return (
              <button
                type="button"
                key={day}
                className={classes.day}
                data-day={day}
                data-level={levelOf(count, most)}
                tabIndex={day === tabStop ? 0 : -1}
                aria-label={label}
                aria-pressed={day === selected}
                aria-disabled={count === 0}
                title={label}
                onFocus={() => setFocused(day)}
                onClick={() => count > 0 && onSelect(day)}
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
    for (const { day, restorePointCount } of days) {
      if (restorePointCount > 0) counts.set(day, (counts.get(day) ?? 0) + restorePointCount)
    }
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

/** The months that begin among the days, each with the number of its week. */
const firstDaysOfMonths = (days: readonly string[]) =>
  days.flatMap((day, index) => (day.endsWith('-01') ? [{ day, week: Math.floor(index / 7) }] : []))
