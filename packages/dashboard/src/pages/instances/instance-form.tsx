import { Alert, Button, Group, Select, SimpleGrid, Stack, TagsInput, Text, TextInput } from '@mantine/core'
import type { Instance } from '@osb-backup/protocol/v1'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { AgentField } from '../../components/agent-field.tsx'
import { fieldError, SaveFailure } from '../../components/form-errors.tsx'
import { Section } from '../../components/section.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { AccessFields } from './access-fields.tsx'
import { HostFields } from './host-fields.tsx'
import {
  type InstanceDraft,
  instancePatchOf,
  instanceRequestOf,
  isMoved,
  isSecretStored,
  parametersOf,
} from './instance-draft.ts'
import { ParameterFields } from './parameter-fields.tsx'

const t = messages.instances.form

/**
 * One form to register an instance and to change one.
 *
 * @param stored - The one that is changed.
 */
export function InstanceForm({
  draft: before,
  stored,
  version,
  onSaved,
}: {
  draft: InstanceDraft
  stored?: Instance
  version?: string
  onSaved: (instance: Instance) => Promise<void> | void
}) {
  const { client } = useSession()
  const cache = useQueryClient()
  const [draft, setDraft] = useState(before)
  const change = (fields: Partial<InstanceDraft>) => setDraft((current) => ({ ...current, ...fields }))
  const agent = useQuery({ ...queries.agent(client, draft.agentId), enabled: draft.agentId !== '' })
  const packs = agent.data?.value.packs ?? []
  const parameters = parametersOf(packs, draft.pack)
  const save = useMutation({
    mutationFn: () =>
      stored === undefined
        ? client.instances.create(instanceRequestOf(draft, parameters))
        : client.instances.update(stored.id, instancePatchOf(draft, parameters, stored), { version }),
    onSuccess: async (saved: Instance) => {
      await Promise.all(['instances', 'overview'].map((key) => cache.invalidateQueries({ queryKey: [key] })))
      await onSaved(saved)
    },
  })
  const errorOf = (field: string) => fieldError(save.error, field)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="lg">
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          {stored === undefined && (
            <TextInput
              label={t.id}
              description={t.idHint}
              value={draft.id}
              maxLength={200}
              error={errorOf('id')}
              onChange={(event) => change({ id: event.currentTarget.value })}
            />
          )}
          <AgentField
            label={t.agent}
            description={t.agentHint}
            value={draft.agentId}
            error={errorOf('agentId')}
            onChange={(chosen) => change({ agentId: chosen, pack: '' })}
          />
          {(packs.length > 1 || draft.pack !== '') && (
            <Select
              label={t.pack}
              description={t.packHint}
              data={[...new Set([...packs.map(({ name }) => name), ...(draft.pack === '' ? [] : [draft.pack])])]}
              value={draft.pack === '' ? null : draft.pack}
              error={errorOf('pack')}
              onChange={(pack) => change({ pack: pack ?? '' })}
              clearable
              clearButtonProps={{ 'aria-label': t.clearPack }}
            />
          )}
          <TagsInput
            label={t.items}
            description={t.itemsHint}
            value={draft.items}
            error={errorOf('items')}
            onChange={(items) => change({ items })}
            acceptValueOnBlur
            clearable={false}
          />
        </SimpleGrid>
        <HostFields draft={draft} change={change} errorOf={errorOf} />
        {stored !== undefined && isMoved(draft, stored) && (
          <Alert color="yellow" variant="default" title={t.moved}>
            {t.movedHint}
          </Alert>
        )}
        <AccessFields draft={draft} stored={stored} change={change} errorOf={errorOf} />
        {parameters.length > 0 && (
          <Section title={t.parameters}>
            <ParameterFields
              parameters={parameters}
              values={draft.parameters}
              isStored={(name) => stored !== undefined && isSecretStored(stored, name)}
              removed={draft.removedSecrets}
              errorOf={(name) => errorOf(`parameters.${name}`)}
              onChange={(name, value) => change({ parameters: { ...draft.parameters, [name]: value } })}
              onRemove={(name, isRemoved) =>
                change({
                  removedSecrets: isRemoved
                    ? [...draft.removedSecrets, name]
                    : draft.removedSecrets.filter((each) => each !== name),
                })
              }
            />
          </Section>
        )}
        <OtherParameters stored={stored} known={parameters.map(({ name }) => name)} />
        <SaveFailure error={save.error} />
        <Group>
          <Button type="submit" loading={save.isPending}>
            {stored === undefined ? t.create : messages.shell.save}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

/** Parameters that the pack does not declare have no fields, and stay as they are. */
function OtherParameters({ stored, known }: { stored: Instance | undefined; known: readonly string[] }) {
  const others = Object.keys(stored?.parameters ?? {}).filter((name) => !known.includes(name))
  if (others.length === 0) return null
  return (
    <Text size="sm" c="dimmed">
      {t.otherParameters(others.join(', '))}
    </Text>
  )
}
