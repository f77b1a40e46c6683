import { Button, Group, Stack, TextInput } from '@mantine/core'
import type { BrokerAccount } from '@osb-backup/protocol/v1'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { ActionButton } from '../../components/action-button.tsx'
import { fieldError, SaveFailure } from '../../components/form-errors.tsx'
import { GrantsField } from '../../components/instances-field.tsx'
import { Page } from '../../components/page.tsx'
import { QueryContent } from '../../components/query-content.tsx'
import { Restricted } from '../../components/restricted.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.access.accounts
const route = getRouteApi('/access/broker-accounts/$name')
const parents = [{ label: messages.access.title, link: { to: '/access', search: { tab: 'broker-accounts' } } }] as const

/** Creates a broker account. */
export const NewBrokerAccountPage = () => (
  <Restricted title={t.create} needs="admin">
    <Page title={t.create} parents={[...parents]}>
      <AccountForm account={undefined} />
    </Page>
  </Restricted>
)

/** One broker account: its password and its instances are changed, or it is deleted. */
export const BrokerAccountPage = () => (
  <Restricted title={t.columns.name} needs="admin">
    <Account />
  </Restricted>
)

function Account() {
  const { name } = route.useParams()
  const { client } = useSession()
  const navigate = useNavigate()
  const account = useQuery(queries.brokerAccount(client, name))
  const remove = account.data && (
    <ActionButton
      label={t.delete}
      confirmation={{ title: t.deleteTitle(name), hint: t.deleteHint, confirm: t.deleteConfirm }}
      perform={() => client.brokerAccounts.delete(name)}
      affects={[]}
      onDone={() => navigate({ to: '/access', search: { tab: 'broker-accounts' } })}
    />
  )
  return (
    <Page title={name} parents={[...parents]} actions={remove}>
      <QueryContent query={account} height={240}>
        {(data) => <AccountForm account={data} />}
      </QueryContent>
    </Page>
  )
}

const PASSWORD_BYTES = 24

/** A password that nobody guesses, of letters and digits. */
function generatePassword(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(PASSWORD_BYTES))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function AccountForm({ account }: { account: BrokerAccount | undefined }) {
  const { client, caller } = useSession()
  const cache = useQueryClient()
  const navigate = useNavigate()
  const [name, setName] = useState(account?.name ?? '')
  const [password, setPassword] = useState('')
  const [instances, setInstances] = useState<'all' | string[]>(
    account?.instances ?? (caller.instances === 'all' ? 'all' : []),
  )
  const save = useMutation({
    mutationFn: () =>
      account === undefined
        ? client.brokerAccounts.create({ name, password, instances })
        : client.brokerAccounts.update(account.name, { instances, ...(password === '' ? {} : { password }) }),
    onSuccess: async (saved: BrokerAccount) => {
      setPassword('')
      await cache.invalidateQueries({ queryKey: ['broker-accounts'] })
      // A user who has left the page meanwhile stays where they are.
      if (account === undefined) await navigate({ to: '/access/broker-accounts/$name', params: { name: saved.name } })
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
        {account === undefined && (
          <TextInput
            label={t.name}
            description={t.nameHint}
            autoComplete="off"
            value={name}
            maxLength={100}
            error={errorOf('name')}
            onChange={(event) => setName(event.currentTarget.value)}
          />
        )}
        <Group align="flex-end" gap="xs" wrap="nowrap">
          <TextInput
            flex={1}
            label={t.password}
            description={account === undefined ? t.passwordHint : messages.shell.secretSet}
            autoComplete="off"
            value={password}
            maxLength={200}
            error={errorOf('password')}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <Button variant="default" onClick={() => setPassword(generatePassword())}>
            {messages.shell.generate}
          </Button>
        </Group>
        <GrantsField value={instances} onChange={setInstances} error={errorOf('instances')} />
        <SaveFailure error={save.error} />
        <Group>
          <Button type="submit" loading={save.isPending}>
            {account === undefined ? t.submit : messages.shell.save}
          </Button>
          {save.isSuccess && <span role="status">{messages.shell.saved}</span>}
        </Group>
      </Stack>
    </form>
  )
}
