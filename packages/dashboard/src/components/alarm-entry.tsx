import { Button, Flex, Stack, Text } from '@mantine/core'
import type { Alarm } from '@osb-backup/protocol/v1'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import * as messages from '../messages/messages.ts'
import { useSession } from '../session/session.tsx'
import { SeverityBadge } from './badges.tsx'
import { Instant } from './instant.tsx'
import { ActionFailure } from './notices.tsx'
import { TextLink } from './page.tsx'

const t = messages.alarms

/** An alarm: what is wrong, what to do, and who takes care of it. */
export function AlarmEntry({ alarm, children }: { alarm: Alarm; children?: ReactNode }) {
  const { client, hasRole } = useSession()
  const cache = useQueryClient()
  const acknowledge = useMutation({
    mutationFn: () => client.alarms.acknowledge(alarm.id),
    onSuccess: () => cache.invalidateQueries({ queryKey: ['alarms'] }),
  })
  const { instanceId, until } = alarm
  const isOpen = alarm.state === 'open'
  return (
    <Flex gap="sm" align="flex-start" direction={{ base: 'column', xs: 'row' }}>
      <SeverityBadge severity={alarm.severity} />
      <Stack gap={4} flex={1} miw={0}>
        <Text style={{ overflowWrap: 'anywhere' }}>{alarm.sentence}</Text>
        {isOpen && (
          <Text size="sm" c="dimmed">
            {alarm.advice}
          </Text>
        )}
        <Text size="sm" c="dimmed">
          {t.since} <Instant at={alarm.since} />
          {until !== undefined && (
            <>
              {' '}
              {t.until} <Instant at={until} />
            </>
          )}
          {instanceId !== undefined && (
            <>
              {', '}
              <TextLink to="/instances/$instanceId" params={{ instanceId }}>
                {instanceId}
              </TextLink>
            </>
          )}
          {alarm.acknowledgement !== undefined && `. ${t.acknowledgedBy(alarm.acknowledgement.by)}`}
        </Text>
        {children}
        <ActionFailure error={acknowledge.error} />
        {isOpen && alarm.acknowledgement === undefined && hasRole('operator') && (
          <Button
            size="xs"
            variant="default"
            w="fit-content"
            loading={acknowledge.isPending}
            onClick={() => acknowledge.mutate()}
          >
            {t.acknowledge}
          </Button>
        )}
      </Stack>
    </Flex>
  )
}
