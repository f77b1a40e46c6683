import { Select } from '@mantine/core'
import * as messages from '../messages/messages.ts'

const zones = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')]

/** Chooses a time zone by its IANA name. */
export function TimezoneField({
  value,
  onChange,
  error,
}: {
  value: string
  onChange: (timezone: string) => void
  error?: string | undefined
}) {
  return (
    <Select
      label={messages.shell.timezone}
      data={zones.includes(value) ? zones : [value, ...zones]}
      value={value}
      searchable
      allowDeselect={false}
      error={error}
      onChange={(chosen) => chosen !== null && onChange(chosen)}
    />
  )
}
