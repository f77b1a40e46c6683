import { Button, Group } from '@mantine/core'
import { type Destination, type Store, storeKinds } from '@osb-backup/protocol/v1'
import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { ActiveFilters } from '../../components/active-filters.tsx'
import { FilterSelect } from '../../components/filter-select.tsx'
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

const t = messages.destinations
const route = getRouteApi('/destinations')

const columns: Column<Destination>[] = [
  {
    title: t.columns.name,
    width: 'minmax(0, 2fr)',
    onPhones: true,
    render: ({ id, name }) => (
      <TextLink to="/destinations/$destinationId" params={{ destinationId: id }}>
        {name}
      </TextLink>
    ),
  },
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
  { title: t.columns.kind, width: '130px', render: ({ store }) => kindOf(store) },
  { title: t.columns.place, width: 'minmax(0, 3fr)', render: ({ store }) => placeOf(store) },
  { title: t.columns.created, width: '180px', render: ({ createdAt }) => <Instant at={createdAt} /> },
]

/** What kind of store it is; a manager may have kinds that are not known here. */
const kindOf = ({ kind }: Store): string => t.kinds[kind] ?? kind

/** Where in its server or machine a store is. */
function placeOf(store: Store): string {
  switch (store.kind) {
    case 's3':
      return [store.endpoint, store.bucket].filter(Boolean).join('/')
    case 'swift':
      return store.container
    case 'file':
      return store.directory
    default:
      return ''
  }
}

/** All destinations that the caller may see. */
export function DestinationsPage() {
  const { client, hasRole } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const query = useInfiniteQuery(queries.destinations(client, search))
  const filter = (change: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true })
  const clear = () => void navigate({ search: {}, replace: true })
  const isFiltered = Object.values(search).some((value) => value !== undefined)
  const create = hasRole('operator') && (
    <Button renderRoot={(props) => <Link to="/destinations/new" search={{ instance: search.instance }} {...props} />}>
      {t.create}
    </Button>
  )
  return (
    <Page title={t.title} actions={create}>
      <Group align="flex-end">
        <SearchField label={t.search} value={search.q} onChange={(q) => filter({ q })} />
        <FilterSelect
          label={t.kind}
          options={storeKinds.map((value) => ({ value, label: t.kinds[value] }))}
          value={search.kind}
          onChange={(kind) => filter({ kind })}
        />
        <FilterSelect
          label={t.state}
          options={(['false', 'true'] as const).map((value) => ({ value, label: t.retired[value] }))}
          value={search.retired}
          onChange={(retired) => filter({ retired })}
        />
      </Group>
      <ActiveFilters filters={[search.instance && t.ofInstance(search.instance)]} onClear={clear} />
      <PagedTable
        label={t.title}
        query={query}
        columns={columns}
        empty={
          isFiltered ? (
            <NoMatchNotice title={t.noMatch} onClear={clear} />
          ) : (
            <EmptyNotice title={t.empty} hint={t.emptyHint} action={create} />
          )
        }
      />
    </Page>
  )
}
