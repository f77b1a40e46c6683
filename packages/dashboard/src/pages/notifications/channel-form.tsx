import { Button, Group, SimpleGrid, Stack, Switch, TextInput } from '@mantine/core'
import type { Channel } from '@osb-backup/protocol/v1'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { fieldError, SaveFailure } from '../../components/form-errors.tsx'
import { Section } from '../../components/section.tsx'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { type ChannelDraft, createRequestOf, patchOf } from './channel-draft.ts'
import { RuleFields } from './rule-fields.tsx'
import { TimingFields } from './timing-fields.tsx'
import { TransportFields } from './transport-fields.tsx'

const t = messages.notifications.form

/** One form to create a channel and to change one. */
export function ChannelForm({
  draft: before,
  channelId,
  version,
}: {
  draft: ChannelDraft
  channelId?: string
  version?: string
}) {
  const { client } = useSession()
  const cache = useQueryClient()
  const navigate = useNavigate()
  const [draft, setDraft] = useState(before)
  const change = (fields: Partial<ChannelDraft>) => setDraft((current) => ({ ...current, ...fields }))
  const save = useMutation({
    mutationFn: () =>
      channelId === undefined
        ? client.notificationChannels.create(createRequestOf(draft))
        : client.notificationChannels.update(channelId, patchOf(draft, before), { version }),
    onSuccess: async ({ id }: Channel) => {
      await cache.invalidateQueries({ queryKey: ['channels'] })
      // A user who has left the page meanwhile stays where they are.
      if (channelId === undefined) await navigate({ to: '/notifications/$channelId', params: { channelId: id } })
    },
  })
  const errorOf = (field: string) => fieldError(save.error, field)
  const fields = { draft, change, errorOf }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="lg">
        <Section title={t.what}>
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <TextInput
              label={t.name}
              value={draft.name}
              maxLength={200}
              error={errorOf('name')}
              onChange={(event) => change({ name: event.currentTarget.value })}
            />
            <Switch
              mt={{ base: 0, sm: 'lg' }}
              label={t.enabled}
              checked={draft.enabled}
              onChange={(event) => change({ enabled: event.currentTarget.checked })}
            />
          </SimpleGrid>
        </Section>
        <TransportFields {...fields} {...(channelId === undefined ? {} : { storedKind: before.kind })} />
        {draft.kind !== 'healthchecks' && (
          <>
            <RuleFields {...fields} />
            <TimingFields {...fields} />
          </>
        )}
        <SaveFailure error={save.error} />
        <Group>
          <Button type="submit" loading={save.isPending}>
            {channelId === undefined ? t.create : messages.shell.save}
          </Button>
          {save.isSuccess && <span role="status">{messages.shell.saved}</span>}
        </Group>
      </Stack>
    </form>
  )
}
