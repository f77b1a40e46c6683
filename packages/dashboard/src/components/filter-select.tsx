import { Select } from '@mantine/core'
import * as messages from '../messages/messages.ts'

/** A filter of a list with a few values; without one it filters nothing. */
export function FilterSelect<T extends string>({
  label,
  placeholder = label,
  options,
  value,
  onChange,
}: {
  label: string
  /** What is shown without a value, where that filters too. */
  placeholder?: string
  options: readonly { value: T; label: string }[]
  value: T | undefined
  onChange: (value: T | undefined) => void
}) {
  return (
    <Select
      aria-label={label}
      placeholder={placeholder}
      data={[...options]}
      value={value ?? null}
      onChange={(chosen) => onChange(options.find((option) => option.value === chosen)?.value)}
      flex="1 1 140px"
      maw={220}
      clearable
      clearButtonProps={{ 'aria-label': messages.shell.clearFilters }}
    />
  )
}
