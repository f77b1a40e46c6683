import { Group, Radio, Stack, TagsInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { queries } from '../data/queries.ts'
import * as messages from '../messages/messages.ts'
import { useSession } from '../session/session.tsx'
import { choicesError } from './form-errors.tsx'

const t = messages.shell
const DEBOUNCE_MS = 250

/** Names instances: the manager suggests them, so that it may have any number. */
export function InstanceIdsField({
  label,
  value,
  onChange,
  error,
}: {
  label: string
  value: string[]
  onChange: (ids: string[]) => void
  error: string | undefined
}) {
  const { client } = useSession()
  const [text, setText] = useState('')
  const [searched] = useDebouncedValue(text.trim(), DEBOUNCE_MS)
  const { data, error: notLoaded } = useInfiniteQuery({
    ...queries.instances(client, searched === '' ? {} : { q: searched }),
    placeholderData: keepPreviousData,
  })
  return (
    <TagsInput
      label={label}
      placeholder={value.length === 0 ? t.typeToSearch : undefined}
      data={data?.pages.flatMap(({ items }) => items.map(({ id }) => id)) ?? []}
      // The manager has filtered them, by more than the id.
      filter={({ options }) => options}
      searchValue={text}
      onSearchChange={setText}
      value={value}
      error={error ?? choicesError(notLoaded)}
      onChange={onChange}
      acceptValueOnBlur
      clearable={false}
    />
  )
}

/** The instances that somebody is granted: all, or some. Nobody grants more than they were granted. */
export function GrantsField({
  value,
  onChange,
  error,
}: {
  value: 'all' | string[]
  onChange: (grants: 'all' | string[]) => void
  error: string | undefined
}) {
  const { caller } = useSession()
  return (
    <Stack gap="xs">
      <Radio.Group
        label={t.instances}
        value={value === 'all' ? 'all' : 'some'}
        onChange={(chosen) => onChange(chosen === 'all' ? 'all' : [])}
      >
        <Group mt={4}>
          <Radio
            value="all"
            label={t.allInstances}
            disabled={caller.instances !== 'all'}
            description={caller.instances === 'all' ? undefined : t.needsAllInstances}
          />
          <Radio value="some" label={t.someInstances} />
        </Group>
      </Radio.Group>
      {value !== 'all' && <InstanceIdsField label={t.instanceIds} value={value} onChange={onChange} error={error} />}
    </Stack>
  )
}

/** Granted instances in words. */
export const grantsInWords = (instances: 'all' | readonly string[]): string =>
  instances === 'all' ? t.allInstances : instances.join(', ')
