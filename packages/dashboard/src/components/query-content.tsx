import { Skeleton, Stack } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import * as messages from '../messages/messages.ts'
import { ErrorNotice } from './notices.tsx'

/** What was read; until then a skeleton of about its height, and if it cannot be read why. */
export function QueryContent<T>({
  query,
  height = 200,
  children,
}: {
  query: UseQueryResult<T>
  height?: number
  children: (data: T) => ReactNode
}) {
  if (query.data !== undefined) {
    return (
      <Stack gap="md">
        {query.isRefetchError && <ErrorNotice error={query.error} onRetry={() => void query.refetch()} />}
        {children(query.data)}
      </Stack>
    )
  }
  if (query.error !== null) return <ErrorNotice error={query.error} onRetry={() => void query.refetch()} />
  return <Skeleton height={height} role="status" aria-label={messages.shell.loading} />
}
