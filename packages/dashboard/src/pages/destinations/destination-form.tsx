import { Alert, Button, Group, NumberInput, Select, SimpleGrid, Stack, TextInput } from '@mantine/core'
import {
  type Destination,
  type DestinationCreate,
  type DestinationPatch,
  type StoreKind,
  storeKinds,
} from '@osb-backup/protocol/v1'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { fieldError, SaveFailure } from '../../components/form-errors.tsx'
import { InstanceField } from '../../components/instance-field.tsx'
import { Section } from '../../components/section.tsx'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { CheckResult } from './destination-check.tsx'
import { type FieldValues, isSecretSet, storeRequestOf, valuesOf } from './store-fields.ts'
import { StoreSettings } from './store-settings.tsx'

const t = messages.destinations.form

/** A destination while it is edited. */
interface Draft {
  instanceId: string
  name: string
  kind: StoreKind
  values: FieldValues
  bandwidth: string
  quota: string
}

const draftOf = (stored: Destination): Draft => ({
  instanceId: stored.instanceId,
  name: stored.name,
  kind: stored.store.kind,
  values: valuesOf(stored.store),
  bandwidth: stored.bandwidthLimitBytesPerSecond?.toString() ?? '',
  quota: stored.quotaBytes?.toString() ?? '',
})

const limitOf = (text: string) => (text === '' ? undefined : Number(text))

const createRequestOf = ({ instanceId, name, kind, values, bandwidth, quota }: Draft): DestinationCreate => ({
  instanceId,
  name,
  bandwidthLimitBytesPerSecond: limitOf(bandwidth),
  quotaBytes: limitOf(quota),
  store: storeRequestOf(kind, values),
})

const patchOf = ({ name, kind, values, bandwidth, quota }: Draft, before: FieldValues): DestinationPatch =>
  ({
    name,
    bandwidthLimitBytesPerSecond: limitOf(bandwidth) ?? null,
    quotaBytes: limitOf(quota) ?? null,
    store: storeRequestOf(kind, values, before),
  }) as DestinationPatch

/** One form to create a destination and to change one; its fields follow from the kind of store. */
export function DestinationForm({
  stored,
  version,
  instanceId = '',
  kind = 's3',
}: {
  stored?: Destination
  version?: string
  instanceId?: string | undefined
  kind?: StoreKind | undefined
}) {
  const { client, hasRole } = useSession()
  const cache = useQueryClient()
  const navigate = useNavigate()
  const [draft, setDraft] = useState<Draft>(() =>
    stored === undefined ? { instanceId, name: '', kind, values: {}, bandwidth: '', quota: '' } : draftOf(stored),
  )
  const check = useMutation({ mutationFn: () => client.destinations.checkSettings(createRequestOf(draft)) })
  const change = (fields: Partial<Draft>) => {
    check.reset()
    setDraft((current) => ({ ...current, ...fields }))
  }
  const save = useMutation({
    mutationFn: () =>
      stored === undefined
        ? client.destinations.create(createRequestOf(draft))
        : client.destinations.update(stored.id, patchOf(draft, valuesOf(stored.store)), { version }),
    onSuccess: async ({ id }) => {
      await cache.invalidateQueries({ queryKey: ['destinations'] })
      // A user who has left the page meanwhile stays where they are.
      if (stored === undefined) await navigate({ to: '/destinations/$destinationId', params: { destinationId: id } })
    },
  })
  const error = save.error ?? check.error
  const errorOf = (field: string) => fieldError(error, field)
  const isReadOnly = !hasRole('operator')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="lg">
        {isReadOnly && <Alert color="gray" variant="default" title={t.readOnly} />}
        <fieldset disabled={isReadOnly} style={{ border: 0, margin: 0, padding: 0, minWidth: 0 }}>
          <Stack gap="lg">
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              {stored === undefined && (
                <InstanceField
                  label={t.instance}
                  value={draft.instanceId}
                  onChange={(chosen) => change({ instanceId: chosen })}
                  error={errorOf('instanceId')}
                />
              )}
              <TextInput
                label={t.name}
                value={draft.name}
                maxLength={200}
                error={errorOf('name')}
                onChange={(event) => change({ name: event.currentTarget.value })}
              />
              {stored === undefined && (
                <Select
                  label={messages.destinations.kind}
                  data={storeKinds.map((value) => ({ value, label: messages.destinations.kinds[value] }))}
                  value={draft.kind}
                  allowDeselect={false}
                  onChange={(chosen) => change({ kind: (chosen as StoreKind | null) ?? draft.kind })}
                />
              )}
            </SimpleGrid>
            <StoreSettings
              kind={draft.kind}
              values={draft.values}
              isSecretSet={(name) => isSecretSet(stored?.store, name)}
              errorOf={errorOf}
              onChange={(name, value) => change({ values: { ...draft.values, [name]: value } })}
            />
            <Limits draft={draft} change={change} errorOf={errorOf} />
          </Stack>
        </fieldset>
        <CheckResult result={check.data} error={check.error} />
        <SaveFailure error={save.error} />
        {!isReadOnly && (
          <Group>
            <Button type="submit" loading={save.isPending}>
              {stored === undefined ? t.create : messages.shell.save}
            </Button>
            {stored === undefined && (
              <Button variant="default" loading={check.isPending} onClick={() => check.mutate()}>
                {messages.destinations.check.settings}
              </Button>
            )}
            {save.isSuccess && <span role="status">{messages.shell.saved}</span>}
          </Group>
        )}
      </Stack>
    </form>
  )
}

function Limits({
  draft,
  change,
  errorOf,
}: {
  draft: Draft
  change: (fields: Partial<Draft>) => void
  errorOf: (field: string) => string | undefined
}) {
  return (
    <Section title={t.limits}>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <NumberInput
          label={t.bandwidth}
          description={t.bandwidthHint}
          min={1}
          allowDecimal={false}
          thousandSeparator
          value={draft.bandwidth}
          error={errorOf('bandwidthLimitBytesPerSecond')}
          onChange={(value) => change({ bandwidth: String(value) })}
        />
        <NumberInput
          label={t.quota}
          description={t.quotaHint}
          min={1}
          allowDecimal={false}
          thousandSeparator
          value={draft.quota}
          error={errorOf('quotaBytes')}
          onChange={(value) => change({ quota: String(value) })}
        />
      </SimpleGrid>
    </Section>
  )
}
