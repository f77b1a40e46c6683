import { Button, Group, Stack } from '@mantine/core'
import type { BrokerAccount, List } from '@osb-backup/protocol/v1'
import { type InfiniteData, useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { grantsInWords } from '../../components/instances-field.tsx'
import { Instant } from '../../components/instant.tsx'
import { NoMatchNotice } from '../../components/no-match-notice.tsx'
import { EmptyNotice } from '../../components/notices.tsx'
import { TextLink } from '../../components/page.tsx'
import { PagedTable } from '../../components/paged-table.tsx'
import { SearchField } from '../../components/search-field.tsx'
import type { Column } from '../../components/virtual-table.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.access.accounts
type Row = BrokerAccount & { id: string }

const columns: Column<Row>[] = [
  {
    title: t.columns.name,
    width: 'minmax(0, 2fr)',
    onPhones: true,
    render: ({ name }) => (
      <TextLink to="/access/broker-accounts/$name" params={{ name }}>
        {name}
      </TextLink>
    ),
  },
  {
    title: t.columns.instances,
    width: 'minmax(0, 3fr)',
    onPhones: true,
    render: ({ instances }) => <span title={grantsInWords(instances)}>{grantsInWords(instances)}</span>,
  },
  { title: t.columns.created, width: '160px', render: ({ createdAt }) => <Instant at={createdAt} isRelative /> },
]

/** The name of an account is its id. */
const toRows = (data: InfiniteData<List<BrokerAccount>>): InfiniteData<List<Row>> => ({
  ...data,
  pages: data.pages.map((page) => ({
    ...page,
    items: page.items.map((account) => ({ ...account, id: account.name })),
  })),
})

/** The accounts with which service brokers deprovision. */
export function BrokerAccounts({ q, onSearch }: { q: string | undefined; onSearch: (q: string | undefined) => void }) {
  const { client } = useSession()
  const query = useInfiniteQuery({ ...queries.brokerAccounts(client, { q }), select: toRows })
  const create = (
    <Button renderRoot={(props) => <Link to="/access/broker-accounts/new" {...props} />}>{t.create}</Button>
  )
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <SearchField label={t.search} value={q} onChange={onSearch} />
        {create}
      </Group>
      <PagedTable
        label={messages.access.tabs['broker-accounts']}
        query={query}
        columns={columns}
        empty={
          q === undefined ? (
            <EmptyNotice title={t.empty} hint={t.emptyHint} action={create} />
          ) : (
            <NoMatchNotice title={t.noMatch} onClear={() => onSearch(undefined)} />
          )
        }
      />
    </Stack>
  )
}
