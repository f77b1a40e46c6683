import { Group, Select, Text } from '@mantine/core'
import { type Job, type JobKind, type JobState, jobKinds, jobStates } from '@osb-backup/protocol/v1'
import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { NoMatchNotice } from '../../components/no-match-notice.tsx'
import { EmptyNotice } from '../../components/notices.tsx'
import { Page } from '../../components/page.tsx'
import { PagedTable } from '../../components/paged-table.tsx'
import { SearchField } from '../../components/search-field.tsx'
import { queries } from '../../data/queries.ts'
import { messages } from '../../messages/messages.ts'
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
        <Select
          aria-label={t.filters.state}
          placeholder={t.filters.state}
          data={jobStates.map((value) => ({ value, label: messages.states.jobs[value] }))}
          value={search.state ?? null}
          onChange={(value) => filter({ state: (value as JobState | null) ?? undefined })}
          clearable
          clearButtonProps={{ 'aria-label': messages.shell.clearFilters }}
        />
        <Select
          aria-label={t.filters.kind}
          placeholder={t.filters.kind}
          data={jobKinds.map((value) => ({ value, label: messages.states.kinds[value] }))}
          value={search.kind ?? null}
          onChange={(value) => filter({ kind: (value as JobKind | null) ?? undefined })}
          clearable
          clearButtonProps={{ 'aria-label': messages.shell.clearFilters }}
        />
      </Group>
      {(search.instance !== undefined || search.plan !== undefined) && (
        <Text size="sm">{search.instance !== undefined ? t.ofInstance(search.instance) : t.ofPlan}</Text>
      )}
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
