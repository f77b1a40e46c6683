import { Group, Text } from '@mantine/core'
import { type Alarm, type AlarmQuery, alarmKinds, alarmSeverities } from '@osb-backup/protocol/v1'
import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { ActiveFilters } from '../../components/active-filters.tsx'
import { AlarmEntry } from '../../components/alarm-entry.tsx'
import { FilterSelect } from '../../components/filter-select.tsx'
import { NoMatchNotice } from '../../components/no-match-notice.tsx'
import { EmptyNotice } from '../../components/notices.tsx'
import { Page, TextLink } from '../../components/page.tsx'
import { PagedList } from '../../components/paged-list.tsx'
import { SearchField } from '../../components/search-field.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.alarms
const route = getRouteApi('/alarms')

const stateOptions = [
  { value: 'resolved', label: messages.states.alarms.resolved },
  { value: 'all', label: t.all },
] as const
const severityOptions = alarmSeverities.map((value) => ({ value, label: messages.states.severity[value] }))
const kindOptions = alarmKinds.map((value) => ({ value, label: t.kinds[value] }))
const acknowledgedOptions = (['false', 'true'] as const).map((value) => ({ value, label: t.acknowledgement[value] }))

/** What is wrong and what was, newest first. */
export function AlarmsPage() {
  const { client, hasRole } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const query = useInfiniteQuery(queries.alarms(client, queryOf(search)))
  const filter = (change: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true })
  const clear = () => void navigate({ search: {}, replace: true })
  const isFiltered = Object.values(search).some((value) => value !== undefined)
  const setUp = hasRole('admin') ? <TextLink to="/notifications">{t.setUp}</TextLink> : undefined
  return (
    <Page title={t.title} actions={setUp}>
      {!hasRole('operator') && (
        <Text size="sm" c="dimmed">
          {t.acknowledge}: {messages.shell.needsRole('operator')}
        </Text>
      )}
      <Group align="flex-end">
        <SearchField label={t.search} value={search.q} onChange={(q) => filter({ q })} />
        <FilterSelect
          label={t.filters.state}
          placeholder={messages.states.alarms.open}
          options={stateOptions}
          value={search.state}
          onChange={(state) => filter({ state })}
        />
        <FilterSelect
          label={t.filters.severity}
          options={severityOptions}
          value={search.severity}
          onChange={(severity) => filter({ severity })}
        />
        <FilterSelect
          label={t.filters.kind}
          options={kindOptions}
          value={search.kind}
          onChange={(kind) => filter({ kind })}
        />
        <FilterSelect
          label={t.filters.acknowledged}
          options={acknowledgedOptions}
          value={search.acknowledged}
          onChange={(acknowledged) => filter({ acknowledged })}
        />
      </Group>
      <ActiveFilters filters={[search.instance && t.ofInstance(search.instance)]} onClear={clear} />
      <PagedList<Alarm>
        label={t.list}
        query={query}
        empty={
          isFiltered ? (
            <NoMatchNotice title={t.noMatch} onClear={clear} />
          ) : (
            <EmptyNotice
              title={t.empty}
              hint={t.emptyHint}
              action={
                <TextLink to="/alarms" search={{ state: 'resolved' }}>
                  {t.showResolved}
                </TextLink>
              }
            />
          )
        }
        render={(alarm) => (
          <AlarmEntry alarm={alarm}>
            <Links alarm={alarm} />
          </AlarmEntry>
        )}
      />
    </Page>
  )
}

/** Where an alarm leads to. */
function Links({ alarm: { id, planId } }: { alarm: Alarm }) {
  const { caller, hasRole } = useSession()
  const seesDeliveries = hasRole('admin') && caller.instances === 'all'
  if (planId === undefined && !seesDeliveries) return null
  return (
    <Group gap="md" fz="sm">
      {planId !== undefined && (
        <TextLink to="/plans/$planId" params={{ planId }}>
          {t.plan}
        </TextLink>
      )}
      {seesDeliveries && (
        <TextLink to="/notifications/log" search={{ alarm: id }}>
          {t.deliveries}
        </TextLink>
      )}
    </Group>
  )
}

function queryOf({ state, ...search }: ReturnType<typeof route.useSearch>): AlarmQuery {
  return { ...search, state: state === 'all' ? undefined : (state ?? 'open') }
}
