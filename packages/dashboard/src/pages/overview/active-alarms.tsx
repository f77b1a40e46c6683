import { Button, Group, Stack, Text } from '@mantine/core'
import type { Alarm } from '@osb-backup/protocol/v1'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { SeverityBadge } from '../../components/badges.tsx'
import { Instant } from '../../components/instant.tsx'
import { ErrorNotice } from '../../components/notices.tsx'
import { TextLink } from '../../components/page.tsx'
import { QueryContent } from '../../components/query-content.tsx'
import { Section } from '../../components/section.tsx'
import { queries } from '../../data/queries.ts'
import { messages } from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.overview
const SHOWN = 20

/** The open alarms, each with what to do. */
export function ActiveAlarms() {
  const { client } = useSession()
  const alarms = useQuery(queries.openAlarms(client, { limit: SHOWN }))
  return (
    <Section title={t.alarms}>
      <QueryContent query={alarms} height={80}>
        {(items) =>
          items.length === 0 ? (
            <Text size="sm">{t.alarmsEmpty}</Text>
          ) : (
            <Stack gap="md">
              {items.map((alarm) => (
                <AlarmEntry key={alarm.id} alarm={alarm} />
              ))}
            </Stack>
          )
        }
      </QueryContent>
    </Section>
  )
}

function AlarmEntry({ alarm }: { alarm: Alarm }) {
  const { client, hasRole } = useSession()
  const cache = useQueryClient()
  const acknowledge = useMutation({
    mutationFn: () => client.alarms.acknowledge(alarm.id),
    onSuccess: () => cache.invalidateQueries({ queryKey: ['alarms'] }),
  })
  const { instanceId } = alarm
  return (
    <Group gap="sm" align="flex-start" wrap="nowrap">
      <SeverityBadge severity={alarm.severity} />
      <Stack gap={4} flex={1} miw={0}>
        <Text>{alarm.sentence}</Text>
        <Text size="sm" c="dimmed">
          {alarm.advice}
        </Text>
        <Text size="sm" c="dimmed">
          {t.since} <Instant at={alarm.since} />
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
        {acknowledge.error !== null && <ErrorNotice error={acknowledge.error} />}
        {alarm.acknowledgement === undefined && hasRole('operator') && (
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
    </Group>
  )
}
