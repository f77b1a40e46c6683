import { Select } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { queries } from '../data/queries.ts'
import * as messages from '../messages/messages.ts'
import { useSession } from '../session/session.tsx'
import { choicesError } from './form-errors.tsx'

const DEBOUNCE_MS = 250

/** Chooses an instance: the manager searches, so that it may have any number. */
export function InstanceField({
  label,
  value,
  onChange,
  error,
}: {
  label: string
  value: string
  onChange: (instanceId: string) => void
  error: string | undefined
}) {
  const { client } = useSession()
  const [text, setText] = useState(value)
  const [searched] = useDebouncedValue(text.trim(), DEBOUNCE_MS)
  const { data, error: notLoaded } = useInfiniteQuery({
    ...queries.instances(client, searched === '' || searched === value ? {} : { q: searched }),
    placeholderData: keepPreviousData,
  })
  const ids = data?.pages.flatMap(({ items }) => items.map(({ id }) => id)) ?? []
  return (
    <Select
      label={label}
      placeholder={messages.shell.typeToSearch}
      data={value === '' || ids.includes(value) ? ids : [value, ...ids]}
      // The manager has filtered them, by more than the id.
      filter={({ options }) => options}
      searchable
      allowDeselect={false}
      searchValue={text}
      onSearchChange={setText}
      value={value === '' ? null : value}
      error={error ?? choicesError(notLoaded)}
      onChange={(chosen) => chosen !== null && onChange(chosen)}
    />
  )
}
