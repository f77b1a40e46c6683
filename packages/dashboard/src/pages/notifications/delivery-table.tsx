import { Text } from '@mantine/core'
import type { Notification, NotificationQuery } from '@osb-backup/protocol/v1'
import { useInfiniteQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { DeliveryBadge } from '../../components/badges.tsx'
import { formatCount } from '../../components/formats.ts'
import { Instant } from '../../components/instant.tsx'
import { PagedTable } from '../../components/paged-table.tsx'
import type { Column } from '../../components/virtual-table.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.notifications.deliveries

const columns: Column<Notification>[] = [
  { title: t.columns.state, width: '130px', onPhones: true, render: ({ state }) => <DeliveryBadge state={state} /> },
  {
    title: t.columns.event,
    width: 'minmax(0, 2fr)',
    onPhones: true,
    render: ({ event, error }) => (
      <>
        {t.events[event]}
        {error !== undefined && (
          <Text size="xs" c="dimmed" truncate title={error}>
            {error}
          </Text>
        )}
      </>
    ),
  },
  { title: t.columns.attempts, width: '90px', render: ({ attempts }) => formatCount(attempts) },
  { title: t.columns.created, width: '160px', render: ({ createdAt }) => <Instant at={createdAt} isRelative /> },
]

/** Messages, and what became of their delivery. */
export function DeliveryTable({ search, empty }: { search: NotificationQuery; empty: ReactNode }) {
  const { client } = useSession()
  const query = useInfiniteQuery(queries.notifications(client, search))
  return <PagedTable label={t.label} query={query} columns={columns} empty={empty} />
}
