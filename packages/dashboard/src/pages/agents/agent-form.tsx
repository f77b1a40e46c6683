import { Button, Group, PasswordInput, SimpleGrid, Stack, TextInput } from '@mantine/core'
import type { Agent, AgentCreate, AgentPatch } from '@osb-backup/protocol/v1'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { fieldError, SaveFailure } from '../../components/form-errors.tsx'
import { Section } from '../../components/section.tsx'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.agents.form

const textFields = ['name', 'url', 'username'] as const
const hints = { name: t.nameHint, url: t.urlHint, username: undefined }

/** Registers an agent, or changes one. A registered one is checked at once. */
export function AgentForm({ stored, version }: { stored?: Agent; version?: string }) {
  const { client } = useSession()
  const cache = useQueryClient()
  const navigate = useNavigate()
  const [draft, setDraft] = useState({
    name: stored?.name ?? '',
    url: stored?.url ?? '',
    username: stored?.username ?? '',
    password: '',
  })
  const save = useMutation({
    mutationFn: async () => {
      const { name, password, url, username } = draft
      const settings = { url: url.trim(), username, ...(password === '' ? {} : { password }) }
      if (stored !== undefined) {
        const patch = { ...settings, name: name === '' ? null : name } as AgentPatch
        return client.agents.update(stored.id, patch, { version })
      }
      const created = await client.agents.create({ ...settings, ...(name === '' ? {} : { name }) } as AgentCreate)
      // Its page says why, if it does not answer.
      return client.agents.check(created.id)
    },
    onSuccess: async ({ id }) => {
      await cache.invalidateQueries({ queryKey: ['agents'] })
      // A user who has left the page meanwhile stays where they are.
      if (stored === undefined) await navigate({ to: '/agents/$agentId', params: { agentId: id } })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <Section title={t.title}>
      <form onSubmit={submit} noValidate>
        <Stack>
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            {textFields.map((name) => (
              <TextInput
                key={name}
                label={t[name]}
                description={hints[name]}
                value={draft[name]}
                error={fieldError(save.error, name)}
                autoComplete="off"
                onChange={(event) => {
                  const { value } = event.currentTarget
                  setDraft((before) => ({ ...before, [name]: value }))
                }}
              />
            ))}
            <PasswordInput
              label={t.password}
              description={stored?.passwordSet ? t.passwordKept : t.passwordHint}
              value={draft.password}
              error={fieldError(save.error, 'password')}
              autoComplete="new-password"
              onChange={(event) => {
                const { value } = event.currentTarget
                setDraft((before) => ({ ...before, password: value }))
              }}
            />
          </SimpleGrid>
          <SaveFailure error={save.error} />
          <Group>
            <Button type="submit" loading={save.isPending}>
              {stored === undefined ? t.create : messages.shell.save}
            </Button>
            {save.isSuccess && <span role="status">{messages.shell.saved}</span>}
          </Group>
        </Stack>
      </form>
    </Section>
  )
}
