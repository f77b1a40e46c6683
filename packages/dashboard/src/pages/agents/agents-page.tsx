import { Button, Group } from '@mantine/core'
import { type Agent, agentStates } from '@osb-backup/protocol/v1'
import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { AgentStateBadge } from '../../components/badges.tsx'
import { FilterSelect } from '../../components/filter-select.tsx'
import { formatCount } from '../../components/formats.ts'
import { Instant } from '../../components/instant.tsx'
import { NoMatchNotice } from '../../components/no-match-notice.tsx'
import { EmptyNotice } from '../../components/notices.tsx'
import { Page, TextLink } from '../../components/page.tsx'
import { PagedTable } from '../../components/paged-table.tsx'
import { SearchField } from '../../components/search-field.tsx'
import type { Column } from '../../components/virtual-table.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.agents
const route = getRouteApi('/agents')

const columns: Column<Agent>[] = [
  {
    title: t.columns.name,
    width: 'minmax(0, 2fr)',
    onPhones: true,
    render: ({ id, name, url }) => (
      <TextLink to="/agents/$agentId" params={{ agentId: id }}>
        {name ?? url}
      </TextLink>
    ),
  },
  {
    title: t.columns.state,
    width: '170px',
    onPhones: true,
    render: ({ state, error }) => (
      <span title={error}>
        <AgentStateBadge state={state} />
      </span>
    ),
  },
  { title: t.columns.url, width: 'minmax(0, 3fr)', render: ({ url }) => url },
  {
    title: t.columns.instances,
    width: '100px',
    render: ({ id, instanceCount }) => (
      <TextLink to="/instances" search={{ agent: id }}>
        {formatCount(instanceCount)}
      </TextLink>
    ),
  },
  { title: t.columns.version, width: '100px', render: ({ version }) => version },
  { title: t.columns.seen, width: '150px', render: ({ lastSeenAt }) => <Instant at={lastSeenAt} isRelative /> },
]

/** All agents whose instances the caller may see. */
export function AgentsPage() {
  const { client, hasRole } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const query = useInfiniteQuery(queries.agents(client, search))
  const filter = (change: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true })
  const isFiltered = Object.values(search).some((value) => value !== undefined)
  const create = hasRole('admin') && (
    <Button renderRoot={(props) => <Link to="/agents/new" {...props} />}>{t.create}</Button>
  )
  return (
    <Page title={t.title} actions={create}>
      <Group align="flex-end">
        <SearchField label={t.search} value={search.q} onChange={(q) => filter({ q })} />
        <FilterSelect
          label={t.state}
          options={agentStates.map((value) => ({ value, label: messages.states.agents[value] }))}
          value={search.state}
          onChange={(state) => filter({ state })}
        />
      </Group>
      <PagedTable
        label={t.title}
        query={query}
        columns={columns}
        empty={
          isFiltered ? (
            <NoMatchNotice title={t.noMatch} onClear={() => void navigate({ search: {}, replace: true })} />
          ) : (
            <EmptyNotice title={t.empty} hint={t.emptyHint} action={create} />
          )
        }
      />
    </Page>
  )
}
