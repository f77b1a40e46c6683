import { Alert, Button, Checkbox, CopyButton, Group, Radio, Stack, Text, TextInput } from '@mantine/core'
import { type Role, roles, type TokenCreated } from '@osb-backup/protocol/v1'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { KeyRound } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { fieldError, SaveFailure } from '../../components/form-errors.tsx'
import { GrantsField } from '../../components/instances-field.tsx'
import { Page } from '../../components/page.tsx'
import { Restricted } from '../../components/restricted.tsx'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import classes from './secret.module.css'

const t = messages.access.tokens
const parents = [{ label: messages.access.title, link: { to: '/access' } }] as const

/** Creates a token, and shows it once. */
export const NewTokenPage = () => (
  <Restricted title={t.create} needs="admin">
    <NewToken />
  </Restricted>
)

function NewToken() {
  const [created, setCreated] = useState<TokenCreated>()
  return created === undefined ? (
    <Page title={t.create} parents={[...parents]}>
      <TokenForm onCreated={setCreated} />
    </Page>
  ) : (
    <Page title={t.created(created.name)} parents={[...parents]}>
      <Alert variant="default" icon={<KeyRound aria-hidden />} title={t.shownOnce}>
        <Stack>
          <code className={classes.secret}>{created.token}</code>
          <Group>
            <CopyButton value={created.token}>
              {({ copied, copy }) => (
                <Button onClick={copy}>{copied ? messages.shell.copied : messages.shell.copy}</Button>
              )}
            </CopyButton>
            <Button variant="default" renderRoot={(props) => <Link to="/access" {...props} />}>
              {t.done}
            </Button>
          </Group>
        </Stack>
      </Alert>
    </Page>
  )
}

function TokenForm({ onCreated }: { onCreated: (token: TokenCreated) => void }) {
  const { client, caller } = useSession()
  const cache = useQueryClient()
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>('viewer')
  const [instances, setInstances] = useState<'all' | string[]>(caller.instances === 'all' ? 'all' : [])
  const [mayDelete, setMayDelete] = useState(false)
  const [expires, setExpires] = useState('')
  const save = useMutation({
    mutationFn: () =>
      client.tokens.create({
        name,
        role,
        instances,
        ...(mayDelete && role !== 'admin' ? { permissions: ['delete-backups'] } : {}),
        ...(expires === '' ? {} : { expiresAt: new Date(expires).toISOString() }),
      }),
    onSuccess: async (created: TokenCreated) => {
      onCreated(created)
      await cache.invalidateQueries({ queryKey: ['tokens'] })
    },
  })
  const errorOf = (field: string) => fieldError(save.error, field)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack maw={640}>
        <TextInput
          label={t.name}
          description={t.nameHint}
          value={name}
          maxLength={200}
          error={errorOf('name')}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Radio.Group label={t.role} value={role} error={errorOf('role')} onChange={(chosen) => setRole(chosen as Role)}>
          <Stack gap="xs" mt={4}>
            {roles.map((each) => (
              <Radio
                key={each}
                value={each}
                label={messages.access.roles[each]}
                // A broker registers instances that nobody was granted before.
                disabled={each === 'broker' && caller.instances !== 'all'}
                description={messages.access.roleHints[each]}
              />
            ))}
          </Stack>
        </Radio.Group>
        <Checkbox
          label={t.permission}
          description={role === 'admin' ? t.permissionOfAdmin : undefined}
          checked={mayDelete || role === 'admin'}
          disabled={role === 'admin'}
          onChange={(event) => setMayDelete(event.currentTarget.checked)}
        />
        <GrantsField value={instances} onChange={setInstances} error={errorOf('instances')} />
        <TextInput
          type="datetime-local"
          label={t.expires}
          description={t.expiresHint}
          value={expires}
          error={errorOf('expiresAt')}
          onChange={(event) => setExpires(event.currentTarget.value)}
        />
        <SaveFailure error={save.error} />
        <Text size="sm" c="dimmed">
          {t.willBeShownOnce}
        </Text>
        <Button type="submit" w="fit-content" loading={save.isPending}>
          {t.submit}
        </Button>
      </Stack>
    </form>
  )
}
