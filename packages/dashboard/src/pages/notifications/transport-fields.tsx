import {
  Button,
  Group,
  NumberInput,
  PasswordInput,
  Select,
  SimpleGrid,
  TagsInput,
  Text,
  TextInput,
} from '@mantine/core'
import { useId } from 'react'
import { Section } from '../../components/section.tsx'
import * as messages from '../../messages/messages.ts'
import { type ChannelDraft, generateSigningKey, type TransportKind } from './channel-draft.ts'
import { PlanField } from './plan-field.tsx'

const t = messages.notifications.form
const kinds = Object.entries(messages.notifications.kinds).map(([value, label]) => ({ value, label }))
const securities = (['starttls', 'tls', 'none'] as const).map((value) => ({ value, label: t.securities[value] }))
const MAX_PORT = 65_535

/** What the fields of a channel share. */
export interface FieldsProps {
  draft: ChannelDraft
  change: (fields: Partial<ChannelDraft>) => void
  errorOf: (field: string) => string | undefined
}

/** Where a channel delivers to, and what it authenticates with. */
export function TransportFields({ draft, change, errorOf, storedKind }: FieldsProps & { storedKind?: TransportKind }) {
  const isStored = storedKind === draft.kind
  return (
    <Section title={t.how}>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <Select
          label={t.kind}
          data={kinds}
          value={draft.kind}
          allowDeselect={false}
          error={errorOf('transport.kind')}
          onChange={(kind) => change({ kind: kind as TransportKind })}
        />
        <KindFields draft={draft} change={change} errorOf={errorOf} isStored={isStored} />
      </SimpleGrid>
    </Section>
  )
}

function KindFields(props: FieldsProps & { isStored: boolean }) {
  const { draft, change, errorOf, isStored } = props
  switch (draft.kind) {
    case 'email':
      return <MailFields {...props} />
    case 'alertmanager':
      return (
        <>
          <UrlField {...props} hint={t.urls.alertmanager} />
          <CredentialFields {...props} />
        </>
      )
    case 'webhook':
      return (
        <>
          <UrlField {...props} hint={t.urls.webhook} />
          <SigningKeyField {...props} />
        </>
      )
    case 'healthchecks':
      return (
        <>
          <PlanField
            label={t.plan}
            description={t.planHint}
            value={draft.planId}
            error={errorOf('transport.planId')}
            onChange={(planId) => change({ planId })}
          />
          <UrlField {...props} hint={isStored ? messages.shell.secretSet : t.urls.healthchecks} />
        </>
      )
    case 'slack':
    case 'mattermost':
    case 'teams':
      return <UrlField {...props} hint={isStored ? messages.shell.secretSet : t.urls.chat} />
    case 'command':
      return <Text size="sm">{t.commandHint}</Text>
  }
}

function MailFields(props: FieldsProps & { isStored: boolean }) {
  const { draft, change, errorOf } = props
  return (
    <>
      <TextInput
        label={t.host}
        value={draft.host}
        error={errorOf('transport.host')}
        onChange={(event) => change({ host: event.currentTarget.value })}
      />
      <NumberInput
        label={t.port}
        min={1}
        max={MAX_PORT}
        allowDecimal={false}
        value={draft.port}
        error={errorOf('transport.port')}
        onChange={(port) => change({ port: Number(port) })}
      />
      <Select
        label={t.security}
        data={securities}
        value={draft.security}
        allowDeselect={false}
        error={errorOf('transport.security')}
        onChange={(security) => change({ security: security as ChannelDraft['security'] })}
      />
      <CredentialFields {...props} />
      <TextInput
        label={t.from}
        type="email"
        value={draft.from}
        error={errorOf('transport.from')}
        onChange={(event) => change({ from: event.currentTarget.value.trim() })}
      />
      <TagsInput
        label={t.to}
        description={t.toHint}
        value={draft.to}
        error={errorOf('transport.to')}
        onChange={(to) => change({ to })}
        acceptValueOnBlur
        clearable={false}
      />
    </>
  )
}

function CredentialFields({ draft, change, errorOf, isStored }: FieldsProps & { isStored: boolean }) {
  return (
    <>
      <TextInput
        label={t.username}
        autoComplete="off"
        value={draft.username}
        error={errorOf('transport.username')}
        onChange={(event) => change({ username: event.currentTarget.value })}
      />
      <PasswordInput
        label={t.password}
        description={isStored && draft.username !== '' ? messages.shell.secretSet : undefined}
        autoComplete="new-password"
        value={draft.password}
        error={errorOf('transport.password')}
        onChange={(event) => change({ password: event.currentTarget.value })}
      />
    </>
  )
}

function UrlField({ draft, change, errorOf, hint }: FieldsProps & { hint: string }) {
  return (
    <TextInput
      label={t.url}
      description={hint}
      type="url"
      autoComplete="off"
      value={draft.url}
      error={errorOf('transport.url')}
      onChange={(event) => change({ url: event.currentTarget.value.trim() })}
    />
  )
}

function SigningKeyField({ draft, change, errorOf, isStored }: FieldsProps & { isStored: boolean }) {
  const id = useId()
  return (
    <Group align="flex-end" gap="xs" wrap="nowrap">
      <TextInput
        id={id}
        flex={1}
        label={t.secret}
        description={isStored && draft.secret === '' ? messages.shell.secretSet : t.secretHint}
        autoComplete="off"
        value={draft.secret}
        error={errorOf('transport.secret')}
        onChange={(event) => change({ secret: event.currentTarget.value.trim() })}
      />
      <Button variant="default" onClick={() => change({ secret: generateSigningKey() })}>
        {messages.shell.generate}
      </Button>
    </Group>
  )
}
