import { Group, Text, TextInput } from '@mantine/core'
import type { AuditEntry, AuditQuery } from '@osb-backup/protocol/v1'
import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { ActiveFilters } from '../../components/active-filters.tsx'
import { Instant } from '../../components/instant.tsx'
import { NoMatchNotice } from '../../components/no-match-notice.tsx'
import { EmptyNotice } from '../../components/notices.tsx'
import { Page, TextLink } from '../../components/page.tsx'
import { PagedTable } from '../../components/paged-table.tsx'
import { Restricted } from '../../components/restricted.tsx'
import { SearchField } from '../../components/search-field.tsx'
import type { Column } from '../../components/virtual-table.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.audit
const route = getRouteApi('/audit-log')

const columns: Column<AuditEntry>[] = [
  { title: t.columns.at, width: '130px', onPhones: true, render: ({ at }) => <Instant at={at} isRelative /> },
  {
    title: t.columns.action,
    width: 'minmax(0, 3fr)',
    onPhones: true,
    render: ({ action, path, caller }) => (
      <>
        <Text size="sm" truncate title={action}>
          {action}
        </Text>
        <Text size="xs" c="dimmed" truncate title={path}>
          {caller.name}, {path}
        </Text>
      </>
    ),
  },
  { title: t.columns.status, width: '80px', render: ({ status }) => status },
  {
    title: t.columns.instance,
    width: 'minmax(0, 2fr)',
    render: ({ instanceId }) =>
      instanceId !== undefined && (
        <TextLink to="/instances/$instanceId" params={{ instanceId }}>
          {instanceId}
        </TextLink>
      ),
  },
  { title: t.columns.address, width: '140px', render: ({ address }) => <span title={address}>{address}</span> },
]

/** Who did what, when and from where. */
export const AuditPage = () => (
  <Restricted title={t.title} needs="admin">
    <AuditLog />
  </Restricted>
)

function AuditLog() {
  const { client } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const query = useInfiniteQuery(queries.auditEntries(client, queryOf(search)))
  const filter = (change: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true })
  const clear = () => void navigate({ search: {}, replace: true })
  const isFiltered = Object.values(search).some((value) => value !== undefined)
  return (
    <Page title={t.title}>
      <Text size="sm" c="dimmed">
        {t.hint}
      </Text>
      <Group align="flex-end">
        <SearchField label={t.search} value={search.q} onChange={(q) => filter({ q })} />
        <DayField label={t.from} value={search.from} max={search.to} onChange={(from) => filter({ from })} />
        <DayField label={t.to} value={search.to} min={search.from} onChange={(to) => filter({ to })} />
      </Group>
      <ActiveFilters filters={[search.instance && messages.alarms.ofInstance(search.instance)]} onClear={clear} />
      <PagedTable
        label={t.title}
        query={query}
        columns={columns}
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

function DayField({
  label,
  value,
  onChange,
  min,
  max,
}: {
  label: string
  value: string | undefined
  onChange: (day: string | undefined) => void
  min?: string | undefined
  max?: string | undefined
}) {
  return (
    <TextInput
      type="date"
      label={label}
      value={value ?? ''}
      min={min}
      max={max}
      onChange={(event) => onChange(event.currentTarget.value === '' ? undefined : event.currentTarget.value)}
    />
  )
}

/** Days are those of the viewer; the last one is included. */
function queryOf({ from, to, ...search }: ReturnType<typeof route.useSearch>): AuditQuery {
  return {
    ...search,
    ...(from === undefined ? {} : { since: startOf(from).toISOString() }),
    ...(to === undefined ? {} : { until: startOf(to, 1).toISOString() }),
  }
}

function startOf(day: string, daysLater = 0): Date {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number)
  return new Date(year, month - 1, date + daysLater)
}
