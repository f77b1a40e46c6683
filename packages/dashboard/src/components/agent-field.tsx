import { Select } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { queries } from '../data/queries.ts'
import * as messages from '../messages/messages.ts'
import { useSession } from '../session/session.tsx'
import { choicesError } from './form-errors.tsx'

const DEBOUNCE_MS = 250

/** Chooses an agent: the manager searches, so that there may be any number. */
export function AgentField({
  label,
  description,
  value,
  onChange,
  error,
}: {
  label: string
  description: string
  value: string
  onChange: (agentId: string) => void
  error: string | undefined
}) {
  const { client } = useSession()
  const [text, setText] = useState('')
  const [searched] = useDebouncedValue(text.trim(), DEBOUNCE_MS)
  const { data, error: notLoaded } = useInfiniteQuery({
    ...queries.agents(client, searched === '' ? {} : { q: searched }),
    placeholderData: keepPreviousData,
  })
  const agents = data?.pages.flatMap(({ items }) => items) ?? []
  return (
    <Select
      label={label}
      description={description}
      placeholder={messages.shell.typeToSearch}
      data={agents.map(({ id, name, url }) => ({ value: id, label: name ?? url }))}
      filter={({ options }) => options}
      searchable
      allowDeselect={false}
      value={value === '' ? null : value}
      error={error ?? choicesError(notLoaded)}
      onSearchChange={(next) => setText(agents.some(({ name, url }) => (name ?? url) === next) ? '' : next)}
      onChange={(chosen) => chosen !== null && onChange(chosen)}
    />
  )
}
