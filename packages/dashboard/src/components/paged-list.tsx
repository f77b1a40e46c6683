import { Button, Skeleton, Stack } from '@mantine/core'
import type { List } from '@osb-backup/protocol/v1'
import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import * as messages from '../messages/messages.ts'
import { ErrorNotice } from './notices.tsx'
import classes from './paged-list.module.css'

const SKELETON_ENTRIES = 4

/** A list of the API whose entries take several lines, in each of its states; a button reads more. */
export function PagedList<T extends { id: string }>({
  label,
  query,
  empty,
  render,
}: {
  label: string
  query: UseInfiniteQueryResult<InfiniteData<List<T>>>
  empty: ReactNode
  render: (entry: T) => ReactNode
}) {
  const { data, error, hasNextPage, isFetchingNextPage } = query
  const notice = error !== null && <ErrorNotice error={error} onRetry={() => void query.refetch()} />
  if (data === undefined) {
    if (notice) return notice
    return (
      <Stack gap="md" role="status" aria-label={messages.shell.loading}>
        {Array.from({ length: SKELETON_ENTRIES }, (_, index) => (
          <Skeleton key={index.toString()} height={96} />
        ))}
      </Stack>
    )
  }
  const entries = data.pages.flatMap(({ items }) => items)
  return (
    <Stack gap="md">
      {notice}
      {entries.length === 0 ? (
        empty
      ) : (
        <ul aria-label={label} className={classes.list}>
          {entries.map((entry) => (
            <li key={entry.id} className={classes.entry}>
              {render(entry)}
            </li>
          ))}
        </ul>
      )}
      {hasNextPage && (
        <Button
          variant="default"
          w="fit-content"
          loading={isFetchingNextPage}
          onClick={() => void query.fetchNextPage()}
        >
          {messages.shell.showMore}
        </Button>
      )}
    </Stack>
  )
}
