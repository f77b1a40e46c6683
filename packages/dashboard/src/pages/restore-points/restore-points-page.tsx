import { Button, Group } from '@mantine/core'
import { verificationStates } from '@osb-backup/protocol/v1'
import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { ActiveFilters } from '../../components/active-filters.tsx'
import { FilterSelect } from '../../components/filter-select.tsx'
import { NoMatchNotice } from '../../components/no-match-notice.tsx'
import { EmptyNotice } from '../../components/notices.tsx'
import { Page } from '../../components/page.tsx'
import { PagedTable } from '../../components/paged-table.tsx'
import { allPointColumns } from '../../components/point-columns.tsx'
import { SearchField } from '../../components/search-field.tsx'
import { rangeOfDay } from '../../data/days.ts'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.restorePoints
const route = getRouteApi('/restore-points')

const flagOptions = (labels: Record<'true' | 'false', string>) =>
  (['true', 'false'] as const).map((value) => ({ value, label: labels[value] }))

/** All restore points that the caller may see, newest first. */
export function RestorePointsPage() {
  const { client } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { day, ...filters } = search
  const query = useInfiniteQuery(queries.restorePoints(client, { ...filters, ...rangeOfDay(day) }))
  const filter = (change: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true })
  const clear = () => void navigate({ search: {}, replace: true })
  const isFiltered = Object.values(search).some((value) => value !== undefined)
  return (
    <Page title={t.title}>
      <Group align="flex-end">
        <SearchField label={t.search} value={search.q} onChange={(q) => filter({ q })} />
        <FilterSelect
          label={t.filters.state}
          options={verificationStates.map((value) => ({ value, label: t.verifications[value] }))}
          value={search.state}
          onChange={(state) => filter({ state })}
        />
        <FilterSelect
          label={t.filters.held}
          options={flagOptions(t.held)}
          value={search.held}
          onChange={(held) => filter({ held })}
        />
        <FilterSelect
          label={t.filters.suspicious}
          options={flagOptions(t.suspicious)}
          value={search.suspicious}
          onChange={(suspicious) => filter({ suspicious })}
        />
        <FilterSelect
          label={t.filters.deleting}
          options={flagOptions(t.deleting)}
          value={search.deleting}
          onChange={(deleting) => filter({ deleting })}
        />
      </Group>
      <ActiveFilters
        filters={[
          search.instance && t.of.instance(search.instance),
          search.item && t.of.item(search.item),
          search.plan && t.of.plan,
          search.destination && t.of.destination,
          search.job && t.of.job,
          day && t.of.day(day),
        ]}
        onClear={clear}
      />
      <PagedTable
        label={t.title}
        query={query}
        columns={allPointColumns}
        empty={
          isFiltered ? (
            <NoMatchNotice title={t.noMatch} onClear={clear} />
          ) : (
            <EmptyNotice
              title={t.empty}
              hint={t.emptyHint}
              action={
                <Button variant="default" size="xs" renderRoot={(props) => <Link to="/plans" {...props} />}>
                  {t.toPlans}
                </Button>
              }
            />
          )
        }
      />
    </Page>
  )
}
