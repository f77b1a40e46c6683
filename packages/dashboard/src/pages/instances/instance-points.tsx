import { Button, Group, Stack, Text } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { EmptyNotice } from '../../components/notices.tsx'
import { PagedTable } from '../../components/paged-table.tsx'
import { pointColumns } from '../../components/point-columns.tsx'
import { QueryContent } from '../../components/query-content.tsx'
import { CALENDAR_DAYS, RestorePointCalendar } from '../../components/restore-point-calendar.tsx'
import { Section } from '../../components/section.tsx'
import { rangeOfDay } from '../../data/days.ts'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.instances

/** The restore points of an instance: how many each day left, and those of all days or of one. */
export function InstancePoints({
  instanceId,
  day,
  onDay,
}: {
  instanceId: string
  day: string | undefined
  onDay: (day: string | undefined) => void
}) {
  const { client } = useSession()
  const trend = useQuery(queries.trend(client, instanceId, { days: CALENDAR_DAYS }))
  const points = useInfiniteQuery(queries.restorePoints(client, { instance: instanceId, ...rangeOfDay(day) }))
  return (
    <Stack gap="lg">
      <Section title={t.calendar.title}>
        <QueryContent query={trend} height={150}>
          {(data) => <RestorePointCalendar trend={data} selected={day} onSelect={onDay} />}
        </QueryContent>
      </Section>
      {day !== undefined && (
        <Group gap="sm">
          <Text>{messages.restorePoints.of.day(day)}</Text>
          <Button size="xs" variant="default" onClick={() => onDay(undefined)}>
            {t.calendar.clear}
          </Button>
        </Group>
      )}
      <PagedTable
        label={t.points.label}
        query={points}
        columns={pointColumns}
        empty={<EmptyNotice title={messages.restorePoints.empty} hint={messages.restorePoints.emptyHint} />}
      />
    </Stack>
  )
}
