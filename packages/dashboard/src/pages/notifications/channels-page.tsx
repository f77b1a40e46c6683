import { Badge, Button, Group } from '@mantine/core'
import type { Channel } from '@osb-backup/protocol/v1'
import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
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

const t = messages.notifications
const route = getRouteApi('/notifications')

const columns: Column<Channel>[] = [
  {
    title: t.columns.name,
    width: 'minmax(0, 2fr)',
    onPhones: true,
    render: ({ id, name, enabled }) => (
      <Group gap="xs" wrap="nowrap">
        <TextLink to="/notifications/$channelId" params={{ channelId: id }}>
          {name}
        </TextLink>
        {enabled === false && (
          <Badge variant="default" tt="none" fw={500} miw="max-content">
            {t.off}
          </Badge>
        )}
      </Group>
    ),
  },
  { title: t.columns.kind, width: '130px', onPhones: true, render: ({ transport }) => t.kinds[transport.kind] },
  { title: t.columns.to, width: 'minmax(0, 3fr)', render: ({ transport }) => receiverOf(transport) },
  { title: t.columns.about, width: 'minmax(0, 2fr)', render: subjectOf },
]

function receiverOf(transport: Channel['transport']): string {
  switch (transport.kind) {
    case 'email':
      return transport.to.join(', ')
    case 'alertmanager':
    case 'webhook':
      return transport.url
    default:
      // The other URLs are secrets.
      return ''
  }
}

function subjectOf({ transport, rules = [] }: Channel): string {
  if (transport.kind === 'healthchecks') return t.backupsOfPlan
  return rules.length === 0 ? t.allAlarms : t.rules(rules.length)
}

/** Where alarms are sent. */
export const ChannelsPage = () => (
  <Restricted title={t.title} needs="admin" needsAllInstances>
    <Channels />
  </Restricted>
)

function Channels() {
  const { client } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const query = useInfiniteQuery(queries.channels(client, search))
  const create = <Button renderRoot={(props) => <Link to="/notifications/new" {...props} />}>{t.create}</Button>
  const actions = (
    <Group gap="sm">
      <Button variant="default" renderRoot={(props) => <Link to="/notifications/log" {...props} />}>
        {t.log}
      </Button>
      {create}
    </Group>
  )
  return (
    <Page title={t.title} actions={actions}>
      <SearchField
        label={t.search}
        value={search.q}
        onChange={(q) => void navigate({ search: { q }, replace: true })}
      />
      <PagedTable
        label={t.title}
        query={query}
        columns={columns}
        empty={
          search.q === undefined ? (
            <EmptyNotice title={t.empty} hint={t.emptyHint} action={create} />
          ) : (
            <NoMatchNotice title={t.noMatch} onClear={() => void navigate({ search: {}, replace: true })} />
          )
        }
      />
    </Page>
  )
}
