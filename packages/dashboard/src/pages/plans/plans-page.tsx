import { Badge, Button, Group } from '@mantine/core'
import type { Plan, Retention } from '@osb-backup/protocol/v1'
import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { ActiveFilters } from '../../components/active-filters.tsx'
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
import { generationFields } from './plan-draft.ts'

const t = messages.plans
const route = getRouteApi('/plans')

const columns: Column<Plan>[] = [
  {
    title: t.columns.name,
    width: 'minmax(0, 2fr)',
    onPhones: true,
    render: ({ id, name }) => (
      <TextLink to="/plans/$planId" params={{ planId: id }}>
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
  { title: t.columns.items, width: 'minmax(0, 2fr)', render: ({ items }) => items.join(', ') },
  {
    title: t.columns.next,
    width: '160px',
    render: ({ paused, nextRunAt }) =>
      paused ? (
        <Badge variant="default" tt="none" fw={500}>
          {t.paused}
        </Badge>
      ) : (
        <Instant at={nextRunAt} isRelative />
      ),
  },
  { title: t.columns.retention, width: '200px', render: ({ retention }) => inWords(retention) },
]

function inWords(retention: Retention): string {
  const { style, period = 0 } = retention
  if (style === 'all') return t.retention.all
  if (style !== 'gfs') return t.retention[style](formatCount(period))
  const counts = generationFields.flatMap((field) => {
    const count = retention[field]
    return count === undefined ? [] : [`${t.form.generations[field]}: ${formatCount(count)}`]
  })
  return counts.join(', ')
}

/** All plans that the caller may see. */
export function PlansPage() {
  const { client, hasRole } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const query = useInfiniteQuery(queries.plans(client, search))
  const filter = (change: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true })
  const isFiltered = Object.values(search).some((value) => value !== undefined)
  const create = hasRole('operator') ? (
    <Button renderRoot={(props) => <Link to="/plans/new" {...props} />}>{t.create}</Button>
  ) : undefined
  return (
    <Page title={t.title} actions={create}>
      <Group align="flex-end">
        <SearchField label={t.search} value={search.q} onChange={(q) => filter({ q })} />
        <FilterSelect
          label={t.schedule}
          options={(['false', 'true'] as const).map((value) => ({
            value,
            label: value === 'true' ? t.paused : t.active,
          }))}
          value={search.paused}
          onChange={(paused) => filter({ paused })}
        />
      </Group>
      <ActiveFilters
        filters={[search.instance && t.ofInstance(search.instance)]}
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
