import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import type { PolicyExemption } from '@osb-backup/protocol/v1'
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { ActionButton } from '../../components/action-button.tsx'
import { fieldError, SaveFailure } from '../../components/form-errors.tsx'
import { InstanceField } from '../../components/instance-field.tsx'
import { Instant } from '../../components/instant.tsx'
import { NoMatchNotice } from '../../components/no-match-notice.tsx'
import { EmptyNotice } from '../../components/notices.tsx'
import { Page, TextLink } from '../../components/page.tsx'
import { PagedTable } from '../../components/paged-table.tsx'
import { SearchField } from '../../components/search-field.tsx'
import { Section } from '../../components/section.tsx'
import type { Column } from '../../components/virtual-table.tsx'
import { policyMessages } from '../../messages/policies.ts'
import { useSession } from '../../session/session.tsx'
import { policyQueries } from './policy-queries.ts'

const t = policyMessages.exemption
const route = getRouteApi('/policies/exemptions')
const parents = [{ label: policyMessages.title, link: { to: '/policies' } }] as const
/** What an exemption changes. */
const AFFECTED = ['policy-exemptions', 'policy-assignments', 'instances', 'overview', 'plans'] as const

const columns: Column<PolicyExemption>[] = [
  {
    title: t.columns.instance,
    width: 'minmax(0, 2fr)',
    onPhones: true,
    render: ({ instanceId }) => (
      <TextLink to="/instances/$instanceId" params={{ instanceId }}>
        {instanceId}
      </TextLink>
    ),
  },
  { title: t.columns.reason, width: 'minmax(0, 3fr)', render: ({ reason }) => reason },
  { title: t.columns.by, width: 'minmax(0, 1fr)', render: ({ exemptedBy }) => exemptedBy },
  {
    title: t.columns.expires,
    width: '160px',
    onPhones: true,
    render: ({ active, expiresAt }) => (active ? <Instant at={expiresAt} isRelative /> : t.expired),
  },
]

/** The service instances that are unprotected on purpose. */
export function ExemptionsPage() {
  const { client, caller, hasRole } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const query = useInfiniteQuery(policyQueries.exemptions(client, search))
  const mayChange = hasRole('operator') && caller.instances === 'all'
  const shown = mayChange ? [...columns, endColumn] : columns
  return (
    <Page title={t.title} parents={[...parents]}>
      <Text size="sm">{t.hint}</Text>
      {mayChange && <ExemptionForm instance={search.instance ?? ''} />}
      <SearchField
        label={t.search}
        value={search.q}
        onChange={(q) => void navigate({ search: { q }, replace: true })}
      />
      <PagedTable
        label={t.title}
        query={query}
        columns={shown}
        empty={
          search.q === undefined && search.instance === undefined ? (
            <EmptyNotice title={t.empty} />
          ) : (
            <NoMatchNotice title={t.noMatch} onClear={() => void navigate({ search: {}, replace: true })} />
          )
        }
      />
    </Page>
  )
}

const endColumn: Column<PolicyExemption> = {
  title: t.end.label,
  width: '120px',
  onPhones: true,
  render: ({ id, active }) => active && <EndButton id={id} />,
}

function EndButton({ id }: { id: string }) {
  const { client } = useSession()
  return (
    <ActionButton
      label={t.end.label}
      confirmation={t.end}
      perform={() => client.policyExemptions.delete(id)}
      affects={AFFECTED}
      size="xs"
    />
  )
}

/** Exempts an instance. */
function ExemptionForm({ instance }: { instance: string }) {
  const { client } = useSession()
  const cache = useQueryClient()
  const [instanceId, setInstance] = useState(instance)
  const [reason, setReason] = useState('')
  const [until, setUntil] = useState('')
  const save = useMutation({
    // The day is the viewer's: its beginning ends the exemption.
    mutationFn: () =>
      client.policyExemptions.create({
        instanceId,
        reason,
        expiresAt: until === '' ? '' : new Date(`${until}T00:00`).toISOString(),
      }),
    onSuccess: async () => {
      setInstance('')
      setReason('')
      await Promise.all(AFFECTED.map((resource) => cache.invalidateQueries({ queryKey: [resource] })))
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <Section title={t.create}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <Group align="flex-end" gap="sm">
            <InstanceField
              key={instanceId}
              label={t.instance}
              value={instanceId}
              onChange={setInstance}
              error={fieldError(save.error, 'instanceId')}
            />
            <TextInput
              label={t.reason}
              value={reason}
              maxLength={2000}
              error={fieldError(save.error, 'reason')}
              onChange={(event) => setReason(event.currentTarget.value)}
            />
            <TextInput
              type="date"
              label={t.until}
              value={until}
              error={fieldError(save.error, 'expiresAt')}
              onChange={(event) => setUntil(event.currentTarget.value)}
            />
            <Button type="submit" loading={save.isPending}>
              {t.submit}
            </Button>
          </Group>
          <SaveFailure error={save.error} />
        </Stack>
      </form>
    </Section>
  )
}
