import { Alert, Stack, Text } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { ActionButton } from '../../components/action-button.tsx'
import { Instant } from '../../components/instant.tsx'
import { EmptyNotice } from '../../components/notices.tsx'
import { Page, TextLink } from '../../components/page.tsx'
import { PagedTable } from '../../components/paged-table.tsx'
import { QueryContent } from '../../components/query-content.tsx'
import { Restricted } from '../../components/restricted.tsx'
import { Section } from '../../components/section.tsx'
import type { Column } from '../../components/virtual-table.tsx'
import { policyMessages as t } from '../../messages/policies.ts'
import { useSession } from '../../session/session.tsx'
import { emptyPolicy, policyDraftOf } from './policy-draft.ts'
import { PolicyForm } from './policy-form.tsx'
import { type AssignmentRow, policyQueries } from './policy-queries.ts'

const route = getRouteApi('/policies/$policyId')
const parents = [{ label: t.title, link: { to: '/policies' } }] as const

/** Creates a policy. */
export const NewPolicyPage = () => (
  <Restricted title={t.create} needs="operator" needsAllInstances>
    <Page title={t.create} parents={[...parents]}>
      <PolicyForm draft={emptyPolicy} />
    </Page>
  </Restricted>
)

/** One policy: what it says, the form that changes it, and the instances that follow it. */
export function PolicyPage() {
  const { policyId } = route.useParams()
  const { client, caller, hasRole } = useSession()
  const navigate = useNavigate()
  const query = useQuery(policyQueries.policy(client, policyId))
  const mayChange = hasRole('operator') && caller.instances === 'all'
  const remove = mayChange && query.data !== undefined && (
    <ActionButton
      label={t.delete.action}
      confirmation={t.delete}
      perform={() => client.policies.delete(policyId)}
      affects={[]}
      onDone={() => navigate({ to: '/policies' })}
    />
  )
  return (
    <Page title={query.data?.value.name ?? policyId} parents={[...parents]} actions={remove}>
      <QueryContent query={query} height={600}>
        {({ value, version }) => (
          <Stack gap="lg">
            {!mayChange && <Alert color="gray" variant="default" title={t.readOnly} />}
            <Instances policyId={policyId} />
            <PolicyForm
              key={version}
              draft={policyDraftOf(value)}
              stored={value}
              version={version}
              isReadOnly={!mayChange}
            />
          </Stack>
        )}
      </QueryContent>
    </Page>
  )
}

const columns: Column<AssignmentRow>[] = [
  {
    title: t.instances.columns.instance,
    width: 'minmax(0, 2fr)',
    onPhones: true,
    render: ({ instanceId }) => (
      <TextLink to="/instances/$instanceId" params={{ instanceId }}>
        {instanceId}
      </TextLink>
    ),
  },
  {
    title: t.instances.columns.plan,
    width: '120px',
    onPhones: true,
    render: ({ planId }) =>
      planId !== undefined && (
        <TextLink to="/plans/$planId" params={{ planId }}>
          {t.instances.plan}
        </TextLink>
      ),
  },
  { title: t.instances.columns.state, width: 'minmax(0, 3fr)', render: stateOf },
]

function stateOf({ exemptUntil, problem, planId }: AssignmentRow) {
  if (exemptUntil !== undefined) {
    return (
      <>
        {t.instances.exempt}, <Instant at={exemptUntil} isRelative />
      </>
    )
  }
  if (problem !== undefined) return <Text c="var(--mantine-color-error)">{problem}</Text>
  return planId === undefined ? t.instances.pending : t.instances.applied
}

/** The instances that follow a policy. */
function Instances({ policyId }: { policyId: string }) {
  const { client } = useSession()
  const query = useInfiniteQuery(policyQueries.assignments(client, { policy: policyId }))
  return (
    <Section title={t.instances.title}>
      <PagedTable
        label={t.instances.title}
        query={query}
        columns={columns}
        empty={<EmptyNotice title={t.instances.empty} hint={t.instances.emptyHint} />}
      />
    </Section>
  )
}
