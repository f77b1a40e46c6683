import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import type { DestinationCheck as Check } from '@osb-backup/protocol/v1'
import { useMutation } from '@tanstack/react-query'
import { CircleCheck } from 'lucide-react'
import { formatDuration } from '../../components/formats.ts'
import { ActionFailure } from '../../components/notices.tsx'
import { Section } from '../../components/section.tsx'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.destinations.check

/** Tries a stored destination. */
export function DestinationCheck({ destinationId }: { destinationId: string }) {
  const { client, hasRole } = useSession()
  const check = useMutation({ mutationFn: () => client.destinations.check(destinationId) })
  const isAllowed = hasRole('operator')
  return (
    <Section title={t.action}>
      <Stack gap="sm">
        <Group gap="sm">
          <Button variant="default" disabled={!isAllowed} loading={check.isPending} onClick={() => check.mutate()}>
            {t.action}
          </Button>
          <Text size="sm">{isAllowed ? t.hint : messages.shell.needsRole('operator')}</Text>
        </Group>
        <CheckResult result={check.data} error={check.error} />
      </Stack>
    </Section>
  )
}

/** What a check found. */
export function CheckResult({ result, error }: { result: Check | undefined; error: Error | null }) {
  if (error !== null) return <ActionFailure error={error} />
  if (result === undefined) return null
  const title = t.usable(formatDuration(result.durationSeconds))
  return <Alert color="green" variant="default" icon={<CircleCheck aria-hidden />} title={title} role="status" />
}
