import { Badge, Button, Group, Stack } from '@mantine/core'
import type { Token } from '@osb-backup/protocol/v1'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { ActionButton } from '../../components/action-button.tsx'
import { grantsInWords } from '../../components/instances-field.tsx'
import { Instant } from '../../components/instant.tsx'
import { NoMatchNotice } from '../../components/no-match-notice.tsx'
import { EmptyNotice } from '../../components/notices.tsx'
import { PagedTable } from '../../components/paged-table.tsx'
import { SearchField } from '../../components/search-field.tsx'
import type { Column } from '../../components/virtual-table.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { type Session, useSession } from '../../session/session.tsx'

const t = messages.access.tokens

/** The tokens for the instances that the caller was granted. */
export function Tokens({ q, onSearch }: { q: string | undefined; onSearch: (q: string | undefined) => void }) {
  const session = useSession()
  const query = useInfiniteQuery(queries.tokens(session.client, { q }))
  const columns = useMemo(() => columnsFor(session), [session])
  const create = <Button renderRoot={(props) => <Link to="/access/tokens/new" {...props} />}>{t.create}</Button>
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <SearchField label={t.search} value={q} onChange={onSearch} />
        {create}
      </Group>
      <PagedTable
        label={messages.access.tabs.tokens}
        query={query}
        columns={columns}
        empty={
          q === undefined ? (
            <EmptyNotice title={t.empty} action={create} />
          ) : (
            <NoMatchNotice title={t.noMatch} onClear={() => onSearch(undefined)} />
          )
        }
      />
    </Stack>
  )
}

function columnsFor({ client, caller }: Session): Column<Token>[] {
  return [
    { title: t.columns.name, width: 'minmax(0, 2fr)', onPhones: true, render: ({ name }) => name },
    { title: t.columns.role, width: '90px', onPhones: true, render: ({ role }) => messages.access.roles[role] },
    {
      title: t.columns.instances,
      width: 'minmax(0, 2fr)',
      render: ({ instances }) => <span title={grantsInWords(instances)}>{grantsInWords(instances)}</span>,
    },
    {
      title: t.columns.expires,
      width: '150px',
      render: ({ expiresAt }) =>
        expiresAt === undefined ? messages.access.never : <Instant at={expiresAt} isRelative />,
    },
    {
      title: t.columns.used,
      width: '150px',
      render: ({ lastUsedAt }) =>
        lastUsedAt === undefined ? messages.access.never : <Instant at={lastUsedAt} isRelative />,
    },
    {
      title: t.actions,
      width: '110px',
      onPhones: true,
      render: ({ id, name }) =>
        id === caller.id ? (
          <Badge variant="default" tt="none" fw={500}>
            {t.own}
          </Badge>
        ) : (
          <ActionButton
            label={t.revoke}
            size="xs"
            confirmation={{ title: t.revokeTitle(name), hint: t.revokeHint, confirm: t.revokeConfirm }}
            perform={() => client.tokens.delete(id)}
            affects={['tokens']}
          />
        ),
    },
  ]
}
