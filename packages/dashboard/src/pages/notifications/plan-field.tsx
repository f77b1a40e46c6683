import { Select } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { choicesError } from '../../components/form-errors.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const DEBOUNCE_MS = 250

/** Chooses a plan: the manager searches, so that it may have any number. */
export function PlanField({
  label,
  description,
  value,
  onChange,
  error,
}: {
  label: string
  description: string
  value: string
  onChange: (planId: string) => void
  error: string | undefined
}) {
  const { client } = useSession()
  const chosen = useQuery({ ...queries.plan(client, value), enabled: value !== '' })
  const [text, setText] = useState('')
  const [searched] = useDebouncedValue(text.trim(), DEBOUNCE_MS)
  const isSearch = searched !== '' && searched !== chosen.data?.value.name
  const { data, error: notLoaded } = useInfiniteQuery({
    ...queries.plans(client, isSearch ? { q: searched } : {}),
    placeholderData: keepPreviousData,
  })
  const found = data?.pages.flatMap(({ items }) => items) ?? []
  const missing = chosen.data !== undefined && !found.some(({ id }) => id === value) ? [chosen.data.value] : []
  const options = [...missing, ...found].map(({ id, name, instanceId }) => ({
    value: id,
    label: `${instanceId} / ${name}`,
  }))
  return (
    <Select
      label={label}
      description={description}
      placeholder={messages.shell.typeToSearch}
      data={options}
      filter={(input) => input.options}
      searchable
      allowDeselect={false}
      searchValue={text}
      onSearchChange={setText}
      value={value === '' ? null : value}
      error={error ?? choicesError(notLoaded)}
      onChange={(planId) => planId !== null && onChange(planId)}
    />
  )
}
