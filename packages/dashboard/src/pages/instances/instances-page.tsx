import { Button, Group, Text } from '@mantine/core'
import { type Instance, protectionStates } from '@osb-backup/protocol/v1'
import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { LockKeyhole } from 'lucide-react'
import { ActiveFilters } from '../../components/active-filters.tsx'
import { ProtectionBadge } from '../../components/badges.tsx'
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

const t = messages.instances
const route = getRouteApi('/instances')

const columns: Column<Instance>[] = [
  {
    title: t.columns.id,
    width: 'minmax(0, 3fr)',
    onPhones: true,
    render: ({ id, lockedSince }) => (
      <>
        {lockedSince !== undefined && <LockKeyhole size={14} aria-label={t.locked} />}{' '}
        <TextLink to="/instances/$instanceId" params={{ instanceId: id }}>
          {id}
        </TextLink>
      </>
    ),
  },
  {
    title: t.columns.protection,
    width: '150px',
    onPhones: true,
    render: ({ protection }) => <ProtectionBadge state={protection.state} />,
  },
  {
    title: t.columns.newest,
    width: '170px',
    render: ({ protection }) => <Instant at={protection.newestRestorePointAt} isRelative />,
  },
  { title: t.columns.host, width: 'minmax(0, 2fr)', render: hostsOf },
  {
    title: t.columns.reason,
    width: 'minmax(0, 4fr)',
    render: ({ protection: { reason } }) => <span title={reason}>{reason}</span>,
  },
]

/** All instances that the caller may see, however many. */
export function InstancesPage() {
  const { client, hasRole } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const query = useInfiniteQuery(queries.instances(client, search))
  const filter = (change: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true })
  const isFiltered = Object.values(search).some((value) => value !== undefined)
  const create = hasRole('admin') && (
    <Button renderRoot={(props) => <Link to="/instances/new" {...props} />}>{t.create}</Button>
  )
  return (
    <Page title={t.title} actions={create}>
      <Group align="flex-end">
        <SearchField label={t.search} value={search.q} onChange={(q) => filter({ q })} />
        <FilterSelect
          label={t.protection}
          options={protectionStates.map((value) => ({ value, label: messages.states.protection[value] }))}
          value={search.protection}
          onChange={(protection) => filter({ protection })}
        />
      </Group>
      <ActiveFilters
        filters={[search.agent && t.ofAgent]}
        onClear={() => void navigate({ search: {}, replace: true })}
      />
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

function hostsOf({ hosts }: Instance) {
  const [first, ...others] = hosts
  if (first === undefined) return null
  const rest = others.length === 0 ? '' : `, ${t.moreHosts(formatCount(others.length))}`
  return (
    <Text span inherit title={hosts.map(({ address }) => address).join('\n')}>
      {first.name ?? first.address}
      {rest}
    </Text>
  )
}
