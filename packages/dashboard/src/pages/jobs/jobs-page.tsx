import { Group } from '@mantine/core'
import { type Job, jobKinds, jobStates } from '@osb-backup/protocol/v1'
import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { ActiveFilters } from '../../components/active-filters.tsx'
import { FilterSelect } from '../../components/filter-select.tsx'
import { NoMatchNotice } from '../../components/no-match-notice.tsx'
import { EmptyNotice } from '../../components/notices.tsx'
import { Page } from '../../components/page.tsx'
import { PagedTable } from '../../components/paged-table.tsx'
import { SearchField } from '../../components/search-field.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { jobColumns } from './job-columns.tsx'

const t = messages.jobs
const route = getRouteApi('/jobs')

/** All jobs that the caller may see, newest first, as they change. */
export function JobsPage() {
  const { client } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const query = useInfiniteQuery(queries.jobs(client, search))
  const filter = (change: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true })
  const isFiltered = Object.values(search).some((value) => value !== undefined)
  const clear = () => void navigate({ search: {}, replace: true })
  return (
    <Page title={t.title}>
      <Group align="flex-end">
        <SearchField label={t.search} value={search.q} onChange={(q) => filter({ q })} />
        <FilterSelect
          label={t.filters.state}
          options={jobStates.map((value) => ({ value, label: messages.states.jobs[value] }))}
          value={search.state}
          onChange={(state) => filter({ state })}
        />
        <FilterSelect
          label={t.filters.kind}
          options={jobKinds.map((value) => ({ value, label: messages.states.kinds[value] }))}
          value={search.kind}
          onChange={(kind) => filter({ kind })}
        />
      </Group>
      <ActiveFilters
        filters={[search.instance && t.ofInstance(search.instance), search.plan && t.ofPlan]}
        onClear={clear}
      />
      <PagedTable<Job>
        label={t.title}
        query={query}
        columns={jobColumns}
        empty={
          isFiltered ? (
            <NoMatchNotice title={t.noMatch} onClear={clear} />
          ) : (
            <EmptyNotice title={t.empty} hint={t.emptyHint} />
          )
        }
      />
    </Page>
  )
}
