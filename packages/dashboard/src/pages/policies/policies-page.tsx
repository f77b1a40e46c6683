import { Alert, Button, Group, List, Text } from '@mantine/core'
import type { Policy } from '@osb-backup/protocol/v1'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { NoMatchNotice } from '../../components/no-match-notice.tsx'
import { EmptyNotice } from '../../components/notices.tsx'
import { Page, TextLink } from '../../components/page.tsx'
import { PagedTable } from '../../components/paged-table.tsx'
import { SearchField } from '../../components/search-field.tsx'
import type { Column } from '../../components/virtual-table.tsx'
import { policyMessages as t } from '../../messages/policies.ts'
import { useSession } from '../../session/session.tsx'
import { selectorFields } from './policy-draft.ts'
import { policyQueries } from './policy-queries.ts'

const route = getRouteApi('/policies')

const columns: Column<Policy>[] = [
  {
    title: t.columns.name,
    width: 'minmax(0, 2fr)',
    onPhones: true,
    render: ({ id, name }) => (
      <TextLink to="/policies/$policyId" params={{ policyId: id }}>
        {name}
      </TextLink>
    ),
  },
  { title: t.columns.priority, width: '100px', onPhones: true, render: ({ priority }) => priority },
  { title: t.columns.selects, width: 'minmax(0, 3fr)', render: selectionOf },
  {
    title: t.columns.schedule,
    width: 'minmax(0, 2fr)',
    render: ({ template }) => template?.schedule.cron ?? t.noTemplate,
  },
  { title: t.columns.floor, width: 'minmax(0, 2fr)', render: floorOf },
]

function selectionOf({ selector }: Policy): string {
  if (selector === undefined) return t.hidden
  const lists = selectorFields.flatMap((field) => {
    const patterns = selector[field]
    return patterns === undefined ? [] : [`${t.form.lists[field]}: ${patterns.join(', ')}`]
  })
  return lists.join('; ')
}

function floorOf({ floor }: Policy): string {
  const { minimumRetentionDays, encryptionRequired = false, allowedDestinations } = floor ?? {}
  const parts = [
    minimumRetentionDays === undefined ? '' : t.floor.days(minimumRetentionDays),
    encryptionRequired ? t.floor.encrypted : '',
    allowedDestinations === undefined ? '' : t.floor.destinations(allowedDestinations.length),
  ]
  return parts.filter((part) => part !== '').join(', ')
}

/** All policies, or those that concern the instances of the caller. */
export function PoliciesPage() {
  const { client, caller, hasRole } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const query = useInfiniteQuery(policyQueries.policies(client, search))
  const mayChange = hasRole('operator') && caller.instances === 'all'
  const create = mayChange ? (
    <Button renderRoot={(props) => <Link to="/policies/new" {...props} />}>{t.create}</Button>
  ) : undefined
  const actions = (
    <Group gap="sm">
      <Button variant="default" renderRoot={(props) => <Link to="/policies/exemptions" {...props} />}>
        {t.exemptions}
      </Button>
      {create}
    </Group>
  )
  return (
    <Page title={t.title} actions={actions}>
      <Violations />
      <SearchField
        label={t.search}
        value={search.q}
        onChange={(q) => void navigate({ search: { q }, replace: true })}
      />
      <PagedTable
        label={t.title}
        query={query}
        columns={columns}
        empty={
          search.q === undefined ? (
            <EmptyNotice title={t.empty} hint={t.emptyHint} action={create} />
          ) : (
            <NoMatchNotice title={t.noMatch} onClear={() => void navigate({ search: {}, replace: true })} />
          )
        }
      />
    </Page>
  )
}

/** The plans that are below a floor. */
function Violations() {
  const { client } = useSession()
  const { data = [] } = useQuery(policyQueries.violating(client))
  if (data.length === 0) return null
  return (
    <Alert color="yellow" variant="default" title={t.violations.title}>
      <Text size="sm">{t.violations.hint}</Text>
      <List size="sm">
        {data.flatMap(({ instanceId, violations }) =>
          violations.map(({ planId, planName, policyId, rule, message }) => (
            <List.Item key={`${planId} ${policyId} ${rule}`}>
              <TextLink to="/plans/$planId" params={{ planId }}>
                {`${instanceId}/${planName}`}
              </TextLink>
              {`: ${message}`}
            </List.Item>
          )),
        )}
      </List>
    </Alert>
  )
}
