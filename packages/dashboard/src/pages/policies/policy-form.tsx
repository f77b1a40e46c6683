import {
  Button,
  Group,
  NumberInput,
  SimpleGrid,
  Stack,
  Switch,
  TagsInput,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core'
import type { Policy } from '@osb-backup/protocol/v1'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { fieldError, SaveFailure } from '../../components/form-errors.tsx'
import { ErrorNotice } from '../../components/notices.tsx'
import { Section } from '../../components/section.tsx'
import { policyMessages } from '../../messages/policies.ts'
import { useSession } from '../../session/session.tsx'
import { FloorFields } from './floor-fields.tsx'
import {
  type PolicyDraft,
  type PolicyFieldsProps,
  policyPatchOf,
  policyRequestOf,
  selectorFields,
} from './policy-draft.ts'
import { PreviewResult } from './policy-preview.tsx'
import { TemplateFields } from './template-fields.tsx'

const t = policyMessages.form

/** One form to create a policy and to change one, with a preview of what that would do. */
export function PolicyForm({
  draft: before,
  stored,
  version,
  isReadOnly = false,
}: {
  draft: PolicyDraft
  stored?: Policy
  version?: string
  isReadOnly?: boolean
}) {
  const { client } = useSession()
  const cache = useQueryClient()
  const navigate = useNavigate()
  const [draft, setDraft] = useState(before)
  const preview = useMutation({
    mutationFn: () =>
      stored === undefined
        ? client.policies.preview(policyRequestOf(draft))
        : client.policies.previewChange(stored.id, { change: policyPatchOf(draft, before) }),
  })
  const change = (fields: Partial<PolicyDraft>) => {
    preview.reset()
    setDraft((current) => ({ ...current, ...fields }))
  }
  const save = useMutation({
    mutationFn: () =>
      stored === undefined
        ? client.policies.create(policyRequestOf(draft))
        : client.policies.update(stored.id, policyPatchOf(draft, before), { version }),
    onSuccess: async ({ id }) => {
      const changed = ['policies', 'policy-assignments', 'plans', 'destinations']
      await Promise.all(changed.map((resource) => cache.invalidateQueries({ queryKey: [resource] })))
      // A user who has left the page meanwhile stays where they are.
      if (stored === undefined) await navigate({ to: '/policies/$policyId', params: { policyId: id } })
    },
  })
  const error = save.error ?? preview.error
  const fields = { draft, change, errorOf: (field: string) => fieldError(error, field) }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="lg">
        <fieldset disabled={isReadOnly} style={{ border: 0, margin: 0, padding: 0, minWidth: 0 }}>
          <Stack gap="lg">
            <WhatFields {...fields} />
            {(stored === undefined || stored.selector !== undefined) && <SelectorFields {...fields} />}
            <TemplateFields {...fields} stored={stored} />
            <FloorFields {...fields} />
          </Stack>
        </fieldset>
        {preview.data !== undefined && <PreviewResult preview={preview.data} />}
        {preview.error !== null && <ErrorNotice error={preview.error} />}
        <SaveFailure error={save.error} />
        {!isReadOnly && (
          <Group>
            <Button type="submit" loading={save.isPending}>
              {stored === undefined ? t.create : t.save}
            </Button>
            <Button variant="default" loading={preview.isPending} onClick={() => preview.mutate()}>
              {t.preview}
            </Button>
            {save.isSuccess && <span role="status">{t.saved}</span>}
          </Group>
        )}
      </Stack>
    </form>
  )
}

function WhatFields({ draft, change, errorOf }: PolicyFieldsProps) {
  return (
    <Section title={t.what}>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput
          label={t.name}
          value={draft.name}
          maxLength={100}
          error={errorOf('name')}
          onChange={(event) => change({ name: event.currentTarget.value })}
        />
        <NumberInput
          label={t.priority}
          description={t.priorityHint}
          min={0}
          max={1_000_000}
          allowDecimal={false}
          value={draft.priority}
          error={errorOf('priority')}
          onChange={(priority) => change({ priority: Number(priority) })}
        />
      </SimpleGrid>
      <Textarea
        mt="md"
        label={t.description}
        value={draft.description}
        maxLength={2000}
        autosize
        minRows={1}
        maxRows={6}
        error={errorOf('description')}
        onChange={(event) => change({ description: event.currentTarget.value })}
      />
      <Switch
        mt="md"
        label={t.mayPause}
        checked={draft.mayPause}
        onChange={(event) => change({ mayPause: event.currentTarget.checked })}
      />
    </Section>
  )
}

function SelectorFields({ draft, change, errorOf }: PolicyFieldsProps) {
  const error = errorOf('selector')
  return (
    <Section title={t.selects}>
      <Text size="sm" c="dimmed" mb="sm">
        {t.selectsHint}
      </Text>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        {selectorFields.map((field) => (
          <TagsInput
            key={field}
            label={t.lists[field]}
            value={draft.selector[field]}
            acceptValueOnBlur
            onChange={(patterns) => change({ selector: { ...draft.selector, [field]: patterns } })}
          />
        ))}
      </SimpleGrid>
      {error !== undefined && (
        <Text size="sm" c="var(--mantine-color-error)" role="alert">
          {error}
        </Text>
      )}
    </Section>
  )
}
