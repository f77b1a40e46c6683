import { Button, Checkbox, List, PasswordInput, Stack, TextInput } from '@mantine/core'
import type { RestorePoint } from '@osb-backup/protocol/v1'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { InstanceField } from '../../components/instance-field.tsx'
import { ActionFailure } from '../../components/notices.tsx'
import { Section } from '../../components/section.tsx'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.restore

/** Where a restore point is restored to, and what that overwrites. Nothing starts before the database was typed. */
export function RestoreTarget({ point }: { point: RestorePoint }) {
  const { client } = useSession()
  const cache = useQueryClient()
  const navigate = useNavigate()
  const [target, setTarget] = useState(point.instanceId)
  const [database, setDatabase] = useState(point.item)
  const [privateKey, setPrivateKey] = useState('')
  const [cancelBackups, setCancelBackups] = useState(false)
  const [typed, setTyped] = useState('')
  // The same click twice, or a repeated request after a lost answer, restores once.
  const [idempotencyKey] = useState(createKey)
  const start = useMutation({
    mutationFn: () =>
      client.restorePoints.restore(
        point.id,
        {
          ...(target === point.instanceId ? {} : { instanceId: target }),
          ...(database === point.item ? {} : { database }),
          ...(privateKey.trim() === '' ? {} : { privateKey: privateKey.trim() }),
          ...(cancelBackups ? { cancelBackups } : {}),
        },
        { idempotencyKey },
      ),
    onSuccess: async (job) => {
      await cache.invalidateQueries({ queryKey: ['jobs'] })
      await navigate({ to: '/jobs/$jobId', params: { jobId: job.id } })
    },
  })
  const isConfirmed = database !== '' && typed === database
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (isConfirmed) start.mutate()
  }
  return (
    <Stack component="form" gap="lg" onSubmit={submit}>
      <Section title={t.where}>
        <Stack>
          <InstanceField label={t.target} value={target} onChange={setTarget} error={undefined} />
          <TextInput
            label={t.database}
            description={t.databaseHint}
            value={database}
            maxLength={200}
            onChange={(event) => setDatabase(event.currentTarget.value)}
          />
          {point.encrypted && (
            <PasswordInput
              label={t.privateKey}
              description={t.privateKeyHint}
              value={privateKey}
              autoComplete="off"
              onChange={(event) => setPrivateKey(event.currentTarget.value)}
            />
          )}
        </Stack>
      </Section>
      <Section title={t.happens}>
        <Stack>
          <List type="ordered" spacing="xs">
            {t.steps(database, target).map((step) => (
              <List.Item key={step}>{step}</List.Item>
            ))}
          </List>
          <Checkbox
            label={t.cancelBackups}
            checked={cancelBackups}
            onChange={(event) => setCancelBackups(event.currentTarget.checked)}
          />
          <TextInput
            label={t.confirm(database)}
            value={typed}
            autoComplete="off"
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          <ActionFailure error={start.error} />
          <Button type="submit" color="red" w="fit-content" disabled={!isConfirmed} loading={start.isPending}>
            {t.start}
          </Button>
        </Stack>
      </Section>
    </Stack>
  )
}

const KEY_BYTES = 16

/** A random key. `crypto.randomUUID` exists only on pages that were loaded over TLS or from this machine. */
const createKey = () =>
  [...crypto.getRandomValues(new Uint8Array(KEY_BYTES))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
