import {
  Alert,
  Button,
  Group,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  TagsInput,
  TextInput,
} from '@mantine/core'
import type { Plan } from '@osb-backup/protocol/v1'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { choicesError, fieldError, SaveFailure } from '../../components/form-errors.tsx'
import { InstanceField } from '../../components/instance-field.tsx'
import { TextLink } from '../../components/page.tsx'
import { Section } from '../../components/section.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { createRequestOf, type PlanDraft, patchOf } from './plan-draft.ts'
import { PlanPreview } from './plan-preview.tsx'
import { RetentionFields } from './retention-fields.tsx'
import { ScheduleFields } from './schedule-fields.tsx'

const t = messages.plans.form
const compressions = ['zstd', 'gzip', 'none'] as const

/** One form to create a plan and to change one. It shows what the schedule and the retention mean while they are edited. */
export function PlanForm({
  draft: before,
  planId,
  version,
  isManaged = false,
}: {
  draft: PlanDraft
  planId?: string
  version?: string
  /** Something maintains the plan, and alone changes it. */
  isManaged?: boolean
}) {
  const { client, hasRole } = useSession()
  const cache = useQueryClient()
  const navigate = useNavigate()
  const [draft, setDraft] = useState(before)
  const change = (fields: Partial<PlanDraft>) => setDraft((current) => ({ ...current, ...fields }))
  const save = useMutation({
    mutationFn: () =>
      planId === undefined
        ? client.plans.create(createRequestOf(draft))
        : client.plans.update(planId, patchOf(draft, before), { version }),
    onSuccess: async (plan: Plan) => {
      await cache.invalidateQueries({ queryKey: ['plans'] })
      // A user who has left the page meanwhile stays where they are.
      if (planId === undefined) await navigate({ to: '/plans/$planId', params: { planId: plan.id } })
    },
  })
  const errorOf = (field: string) => fieldError(save.error, field)
  const isReadOnly = !hasRole('operator') || isManaged
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="lg">
        {isReadOnly && !isManaged && <Alert color="gray" variant="default" title={t.readOnly} />}
        <fieldset disabled={isReadOnly} style={{ border: 0, margin: 0, padding: 0, minWidth: 0 }}>
          <Stack gap="lg">
            <WhatFields draft={draft} change={change} errorOf={errorOf} isNew={planId === undefined} />
            <Section title={t.when}>
              <ScheduleFields
                cron={draft.cron}
                timezone={draft.timezone}
                onCron={(cron) => change({ cron })}
                onTimezone={(timezone) => change({ timezone })}
                error={errorOf('schedule')}
              />
            </Section>
            <RetentionFields draft={draft} change={change} errorOf={errorOf} />
            <PlanPreview draft={draft} planId={planId} />
            <MoreFields draft={draft} change={change} errorOf={errorOf} />
          </Stack>
        </fieldset>
        <SaveFailure error={save.error} />
        {!isReadOnly && (
          <Group>
            <Button type="submit" loading={save.isPending}>
              {planId === undefined ? t.create : t.save}
            </Button>
            {save.isSuccess && <span role="status">{t.saved}</span>}
          </Group>
        )}
      </Stack>
    </form>
  )
}

interface FieldsProps {
  draft: PlanDraft
  change: (fields: Partial<PlanDraft>) => void
  errorOf: (field: string) => string | undefined
}

function WhatFields({ draft, change, errorOf, isNew }: FieldsProps & { isNew: boolean }) {
  const { client } = useSession()
  const { instanceId } = draft
  const isChosen = instanceId !== ''
  const destinations = useQuery({ ...queries.destinationsOf(client, instanceId), enabled: isChosen })
  const items = useQuery({ ...queries.instanceItems(client, instanceId), enabled: isChosen })
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      {isNew && (
        <InstanceField
          label={t.instance}
          value={instanceId}
          onChange={(chosen) => change({ instanceId: chosen, destinationId: '' })}
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
      <Select
        label={t.destination}
        data={(destinations.data ?? []).map(({ id, name }) => ({ value: id, label: name }))}
        value={draft.destinationId === '' ? null : draft.destinationId}
        error={errorOf('destinationId') ?? choicesError(destinations.error)}
        description={destinations.data?.length === 0 ? <NoDestination instanceId={instanceId} /> : undefined}
        disabled={!isChosen}
        allowDeselect={false}
        onChange={(destinationId) => change({ destinationId: destinationId ?? '' })}
      />
      <TagsInput
        label={t.items}
        description={t.itemsHint}
        data={items.data?.map(({ name }) => name) ?? []}
        value={draft.items}
        error={errorOf('items')}
        onChange={(chosen) => change({ items: chosen })}
        acceptValueOnBlur
        clearable={false}
      />
    </SimpleGrid>
  )
}

const NoDestination = ({ instanceId }: { instanceId: string }) => (
  <>
    {t.noDestination}{' '}
    <TextLink to="/destinations/new" search={{ instance: instanceId }}>
      {t.newDestination}
    </TextLink>
  </>
)

function MoreFields({ draft, change, errorOf }: FieldsProps) {
  return (
    <Section title={t.more}>
      <SimpleGrid cols={{ base: 1, sm: 3 }}>
        <Select
          label={t.compression}
          data={[...compressions]}
          value={draft.compression}
          allowDeselect={false}
          onChange={(compression) => change({ compression: compression as PlanDraft['compression'] })}
        />
        <NumberInput
          label={t.retries}
          min={0}
          max={10}
          value={draft.retries}
          error={errorOf('retries')}
          onChange={(retries) => change({ retries: Number(retries) })}
        />
        <NumberInput
          label={t.parallelItems}
          min={1}
          max={20}
          value={draft.parallelItems}
          error={errorOf('parallelItems')}
          onChange={(parallelItems) => change({ parallelItems: Number(parallelItems) })}
        />
      </SimpleGrid>
      <Switch
        mt="md"
        label={t.isPaused}
        checked={draft.paused}
        onChange={(event) => change({ paused: event.currentTarget.checked })}
      />
    </Section>
  )
}
