import { Group, Select } from '@mantine/core'
import { deliveryStates } from '@osb-backup/protocol/v1'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { ActiveFilters } from '../../components/active-filters.tsx'
import { FilterSelect } from '../../components/filter-select.tsx'
import { NoMatchNotice } from '../../components/no-match-notice.tsx'
import { EmptyNotice } from '../../components/notices.tsx'
import { Page } from '../../components/page.tsx'
import { Restricted } from '../../components/restricted.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { DeliveryTable } from './delivery-table.tsx'

const t = messages.notifications.deliveries
const route = getRouteApi('/notifications/log')
const stateOptions = deliveryStates.map((value) => ({ value, label: messages.states.deliveries[value] }))

/** What every channel delivered, and what it did not. */
export const DeliveriesPage = () => (
  <Restricted title={t.label} needs="admin" needsAllInstances>
    <Deliveries />
  </Restricted>
)

function Deliveries() {
  const { client } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const channels = useQuery(queries.channelChoices(client))
  const filter = (change: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true })
  const clear = () => void navigate({ search: {}, replace: true })
  const isFiltered = Object.values(search).some((value) => value !== undefined)
  return (
    <Page title={t.label} parents={[{ label: messages.notifications.title, link: { to: '/notifications' } }]}>
      <Group align="flex-end">
        <Select
          aria-label={t.channel}
          placeholder={t.channel}
          data={(channels.data ?? []).map(({ id, name }) => ({ value: id, label: name }))}
          value={search.channel ?? null}
          onChange={(channel) => filter({ channel: channel ?? undefined })}
          searchable
          clearable
          clearButtonProps={{ 'aria-label': messages.shell.clearFilters }}
        />
        <FilterSelect
          label={t.state}
          options={stateOptions}
          value={search.state}
          onChange={(state) => filter({ state })}
        />
      </Group>
      <ActiveFilters filters={[search.alarm && t.alarm]} onClear={clear} />
      <DeliveryTable
        search={search}
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
