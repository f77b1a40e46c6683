import { Checkbox, Group, NumberInput, Select, SimpleGrid, TextInput } from '@mantine/core'
import { useState } from 'react'
import { TimezoneField } from '../../components/timezone-field.tsx'
import * as messages from '../../messages/messages.ts'
import { cronOf, hourSteps, type SimpleSchedule, scheduleOf, type Weekday, weekdays } from './schedule.ts'

const t = messages.plans.form
const frequencies = ['hourly', 'daily', 'weekly', 'monthly', 'custom'] as const
const MONDAY = Date.UTC(2024, 0, 1)
const DAY_MS = 86_400_000
const LAST_DAY_OF_EVERY_MONTH = 28

/** The name of a weekday in the viewer's language. */
const weekdayName = (index: number) =>
  new Intl.DateTimeFormat(undefined, { weekday: 'short', timeZone: 'UTC' }).format(MONDAY + index * DAY_MS)

/** Builds a schedule by how often and when; anyone who knows cron writes it. */
export function ScheduleFields({
  cron,
  timezone,
  onCron,
  onTimezone,
  error,
}: {
  cron: string
  timezone: string
  onCron: (cron: string) => void
  onTimezone: (timezone: string) => void
  error: string | undefined
}) {
  // Which form is chosen is not told by the expression: each simple one is a cron expression too.
  const [schedule, setSchedule] = useState(() => scheduleOf(cron))
  const change = (next: SimpleSchedule) => {
    setSchedule(next)
    onCron(cronOf(next))
  }
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <Select
        label={t.often}
        data={frequencies.map((value) => ({ value, label: t.frequencies[value] }))}
        value={schedule.frequency}
        allowDeselect={false}
        onChange={(value) => change(switchTo(value as SimpleSchedule['frequency'], schedule, cron))}
      />
      <FrequencyFields schedule={schedule} onChange={change} error={error} />
      <TimezoneField value={timezone} onChange={onTimezone} />
    </SimpleGrid>
  )
}

function FrequencyFields({
  schedule,
  onChange,
  error,
}: {
  schedule: SimpleSchedule
  onChange: (schedule: SimpleSchedule) => void
  error: string | undefined
}) {
  if (schedule.frequency === 'custom') {
    return (
      <TextInput
        label={t.cron}
        description={t.cronHint}
        value={schedule.cron}
        error={error}
        onChange={(event) => onChange({ ...schedule, cron: event.currentTarget.value })}
      />
    )
  }
  if (schedule.frequency === 'hourly') {
    return (
      <Group grow align="flex-start">
        <Select
          label={t.everyHours}
          data={hourSteps.map(String)}
          value={String(schedule.everyHours)}
          allowDeselect={false}
          onChange={(value) => onChange({ ...schedule, everyHours: Number(value) })}
        />
        <NumberInput
          label={t.minute}
          min={0}
          max={59}
          clampBehavior="strict"
          value={schedule.minute}
          onChange={(value) => onChange({ ...schedule, minute: Number(value) })}
        />
      </Group>
    )
  }
  return (
    <>
      <TextInput
        type="time"
        label={t.time}
        value={schedule.time}
        error={error}
        onChange={(event) =>
          event.currentTarget.value !== '' && onChange({ ...schedule, time: event.currentTarget.value })
        }
      />
      {schedule.frequency === 'weekly' && (
        <Checkbox.Group
          label={t.weekdays}
          value={[...schedule.weekdays]}
          // One day at least: no expression says "never".
          onChange={(days) => days.length > 0 && onChange({ ...schedule, weekdays: days as Weekday[] })}
        >
          <Group gap="sm" mt="xs">
            {weekdays.map((day, index) => (
              <Checkbox key={day} value={day} label={weekdayName(index)} />
            ))}
          </Group>
        </Checkbox.Group>
      )}
      {schedule.frequency === 'monthly' && (
        <NumberInput
          label={t.dayOfMonth}
          min={1}
          max={LAST_DAY_OF_EVERY_MONTH}
          clampBehavior="strict"
          value={schedule.dayOfMonth}
          onChange={(value) => onChange({ ...schedule, dayOfMonth: Math.max(1, Number(value)) })}
        />
      )}
    </>
  )
}

/** The schedule that another frequency begins with: at the same time of day, where there is one. */
function switchTo(frequency: SimpleSchedule['frequency'], before: SimpleSchedule, cron: string): SimpleSchedule {
  const time = 'time' in before ? before.time : '02:00'
  switch (frequency) {
    case 'hourly':
      return { frequency, everyHours: 6, minute: 0 }
    case 'daily':
      return { frequency, time }
    case 'weekly':
      return { frequency, time, weekdays: ['MON', 'TUE', 'WED', 'THU', 'FRI'] }
    case 'monthly':
      return { frequency, time, dayOfMonth: 1 }
    case 'custom':
      return { frequency, cron }
  }
}
