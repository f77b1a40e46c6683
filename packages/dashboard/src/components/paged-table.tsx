import { Skeleton, Stack } from '@mantine/core'
import type { List } from '@osb-backup/protocol/v1'
import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query'
import { type ReactNode, useEffect, useMemo } from 'react'
import type { PageStart } from '../data/queries.ts'
import * as messages from '../messages/messages.ts'
import { ErrorNotice } from './notices.tsx'
import { type Column, VirtualTable } from './virtual-table.tsx'

const SKELETON_ROWS = 8

/** A list of the API as a table, in each of its states: loading, empty, failed, and with as many entries as there are. */
export function PagedTable<T extends { id: string }>({
  label,
  query,
  columns,
  empty,
}: {
  label: string
  query: UseInfiniteQueryResult<InfiniteData<List<T>>>
  columns: readonly Column<T>[]
  empty: ReactNode
}) {
  const rows = useMemo(() => query.data?.pages.flatMap(({ items }) => items) ?? [], [query.data])
  const { fetchNextPage, fetchPreviousPage, isFetching, hasNextPage, error } = query
  const mayFetch = !isFetching && error === null
  const onMore = useMemo(() => () => mayFetch && void fetchNextPage(), [fetchNextPage, mayFetch])
  const onBefore = useMemo(() => () => mayFetch && void fetchPreviousPage(), [fetchPreviousPage, mayFetch])
  // The library's hooks forget the type of the page parameters.
  const [firstPage] = (query.data?.pageParams ?? []) as PageStart[]
  const firstIndex = firstPage?.index ?? 0
  // Of a filter that matches few entries some pages have none.
  const isSearching = query.data !== undefined && rows.length === 0 && hasNextPage && error === null
  useEffect(() => {
    if (isSearching) onMore()
  }, [isSearching, onMore])
  const notice = error !== null && <ErrorNotice error={error} onRetry={() => void query.refetch()} />
  if (query.data === undefined || isSearching) {
    if (notice) return notice
    return (
      <Stack gap="xs" role="status" aria-label={messages.shell.loading}>
        {Array.from({ length: SKELETON_ROWS }, (_, index) => (
          <Skeleton key={index.toString()} height={40} />
        ))}
      </Stack>
    )
  }
  return (
    <Stack gap="md">
      {notice}
      {rows.length === 0 ? (
        empty
      ) : (
        <VirtualTable
          label={label}
          columns={columns}
          rows={rows}
          firstIndex={firstIndex}
          rowKey={({ id }) => id}
          hasMore={hasNextPage}
          onMore={onMore}
          onBefore={onBefore}
        />
      )}
    </Stack>
  )
}
