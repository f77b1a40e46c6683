import { Alert, Button, Center, Stack, Text, Title } from '@mantine/core'
import { ApiError } from '@osb-backup/client'
import { CircleX, Lock, SearchX, Unplug } from 'lucide-react'
import type { ReactNode } from 'react'
import * as messages from '../messages/messages.ts'

const t = messages.shell

/** Why something cannot be shown, and what to do about it. */
export function ErrorNotice({ error, onRetry }: { error: unknown; onRetry?: (() => void) | undefined }) {
  return <Notice error={error} failed={t.error.notLoaded} onRetry={onRetry} />
}

/** Why what the user asked for was not done. */
export function ActionFailure({ error }: { error: Error | null }) {
  return error !== null && <Notice error={error} failed={t.error.notDone} />
}

interface NoticeProps {
  error: unknown
  /** The title, unless the error has one of its own. */
  failed: string
  onRetry?: (() => void) | undefined
}

function Notice({ error, failed, onRetry }: NoticeProps) {
  const { title, icon } = describe(error, failed)
  return (
    <Alert color="red" variant="default" title={title} icon={icon} role="alert">
      <Stack align="flex-start" gap="sm">
        <Text size="sm">{error instanceof Error ? error.message : String(error)}</Text>
        {onRetry !== undefined && (
          <Button size="xs" variant="default" onClick={onRetry}>
            {t.retry}
          </Button>
        )}
      </Stack>
    </Alert>
  )
}

function describe(error: unknown, failed: string): { title: string; icon: ReactNode } {
  const status = error instanceof ApiError ? error.status : 0
  if (status === undefined) return { title: t.error.unreachable, icon: <Unplug aria-hidden /> }
  if (status === 403) return { title: t.error.forbidden, icon: <Lock aria-hidden /> }
  if (status === 404) return { title: t.error.notFound, icon: <SearchX aria-hidden /> }
  return { title: failed, icon: <CircleX aria-hidden /> }
}

/** What is shown in the place of an empty list: why it is empty, and the next step. */
export function EmptyNotice({ title, hint, action }: { title: string; hint?: ReactNode; action?: ReactNode }) {
  return (
    <Center py="xl">
      <Stack align="center" gap="xs" maw={480} ta="center">
        <Title order={2} size="h4">
          {title}
        </Title>
        {hint !== undefined && (
          <Text c="dimmed" size="sm">
            {hint}
          </Text>
        )}
        {action}
      </Stack>
    </Center>
  )
}
