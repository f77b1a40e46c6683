import { Alert, Button, Group, Select, SimpleGrid, Stack, TagsInput, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { AgentField } from '../../components/agent-field.tsx'
import { fieldError, SaveFailure } from '../../components/form-errors.tsx'
import { Page } from '../../components/page.tsx'
import { Section } from '../../components/section.tsx'
import { queries } from '../../data/queries.ts'
import { messages } from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { AccessFields } from './access-fields.tsx'
import { HostFields } from './host-fields.tsx'
import { emptyInstance, type InstanceDraft, instanceRequestOf, parametersOf } from './instance-draft.ts'
import { ParameterFields } from './parameter-fields.tsx'

const t = messages.instances.form
const route = getRouteApi('/instances/new')

/** Registers a service instance by hand, as a service broker does. */
export function NewInstancePage() {
  const { agent } = route.useSearch()
  const { hasRole } = useSession()
  return (
    <Page title={messages.instances.create} parents={[{ label: messages.instances.title, link: { to: '/instances' } }]}>
      {hasRole('admin') ? (
        <InstanceForm agentId={agent ?? ''} />
      ) : (
        <Alert color="gray" variant="default" title={t.needsAdmin} />
      )}
    </Page>
  )
}

function InstanceForm({ agentId }: { agentId: string }) {
  const { client } = useSession()
  const cache = useQueryClient()
  const navigate = useNavigate()
  const [draft, setDraft] = useState<InstanceDraft>({ ...emptyInstance, agentId })
  const change = (fields: Partial<InstanceDraft>) => setDraft((before) => ({ ...before, ...fields }))
  const agent = useQuery({ ...queries.agent(client, draft.agentId), enabled: draft.agentId !== '' })
  const packs = agent.data?.value.packs ?? []
  const parameters = parametersOf(packs, draft.pack)
  const save = useMutation({
    mutationFn: () => client.instances.create(instanceRequestOf(draft, parameters)),
    onSuccess: async ({ id }) => {
      await Promise.all(['instances', 'overview'].map((key) => cache.invalidateQueries({ queryKey: [key] })))
      await navigate({ to: '/instances/$instanceId', params: { instanceId: id } })
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
          <TextInput
            label={t.id}
            description={t.idHint}
            value={draft.id}
            maxLength={200}
            error={errorOf('id')}
            onChange={(event) => change({ id: event.currentTarget.value })}
          />
          <AgentField
            label={t.agent}
            description={t.agentHint}
            value={draft.agentId}
            error={errorOf('agentId')}
            onChange={(chosen) => change({ agentId: chosen, pack: '' })}
          />
          {packs.length > 1 && (
            <Select
              label={t.pack}
              description={t.packHint}
              data={packs.map(({ name }) => name)}
              value={draft.pack === '' ? null : draft.pack}
              error={errorOf('pack')}
              onChange={(pack) => change({ pack: pack ?? '' })}
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
        <AccessFields draft={draft} change={change} errorOf={errorOf} />
        {parameters.length > 0 && (
          <Section title={t.parameters}>
            <ParameterFields
              parameters={parameters}
              values={draft.parameters}
              errorOf={(name) => errorOf(`parameters.${name}`)}
              onChange={(name, value) => change({ parameters: { ...draft.parameters, [name]: value } })}
            />
          </Section>
        )}
        <SaveFailure error={save.error} />
        <Group>
          <Button type="submit" loading={save.isPending}>
            {t.create}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
