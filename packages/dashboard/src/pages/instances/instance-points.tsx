import { Button, Group, Stack, Text } from '@mantine/core'
import type { RestorePoint } from '@osb-backup/protocol/v1'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { formatBytes } from '../../components/formats.ts'
import { Instant } from '../../components/instant.tsx'
import { EmptyNotice } from '../../components/notices.tsx'
import { TextLink } from '../../components/page.tsx'
import { PagedTable } from '../../components/paged-table.tsx'
import { QueryContent } from '../../components/query-content.tsx'
import { Section } from '../../components/section.tsx'
import type { Column } from '../../components/virtual-table.tsx'
import { queries } from '../../data/queries.ts'
import { messages } from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { CALENDAR_DAYS, RestorePointCalendar } from './restore-point-calendar.tsx'

const t = messages.instances
const DAY_MS = 86_400_000

const columns: Column<RestorePoint>[] = [
  { title: t.points.item, width: 'minmax(0, 2fr)', onPhones: true, render: ({ item }) => item },
  { title: t.points.taken, width: 'minmax(0, 2fr)', onPhones: true, render: ({ takenAt }) => <Instant at={takenAt} /> },
  { title: t.points.size, width: '100px', render: ({ sizeBytes }) => formatBytes(sizeBytes) },
  {
    title: t.points.verified,
    width: '110px',
    render: ({ verification }) => (verification === undefined ? '–' : t.points.verifications[verification.state]),
  },
  {
    title: messages.restore.title,
    width: '90px',
    onPhones: true,
    render: ({ id, instanceId, item }) => (
      <TextLink to="/restore" search={{ instance: instanceId, item, point: id }}>
        {messages.restore.link}
      </TextLink>
    ),
  },
  { title: t.points.marks, width: 'minmax(0, 2fr)', render: (point) => marksOf(point).join(', ') },
]

function marksOf({ held, suspicious, deletion, encrypted }: RestorePoint): string[] {
  return [
    held ? t.points.held : undefined,
    suspicious ? t.points.suspicious : undefined,
    deletion === undefined ? undefined : t.points.deleting,
    encrypted ? t.points.encrypted : undefined,
  ].filter((mark) => mark !== undefined)
}

/** The restore points of an instance: how many each day left, and those of all days or of one. */
export function InstancePoints({ instanceId }: { instanceId: string }) {
  const { client } = useSession()
  const [day, setDay] = useState<string>()
  const trend = useQuery(queries.trend(client, instanceId, { days: CALENDAR_DAYS }))
  const range =
    day === undefined ? {} : { since: `${day}T00:00:00Z`, until: new Date(Date.parse(day) + DAY_MS).toISOString() }
  const points = useInfiniteQuery(queries.restorePoints(client, { instance: instanceId, ...range }))
  return (
    <Stack gap="lg">
      <Section title={t.calendar.title}>
        <QueryContent query={trend} height={150}>
          {(data) => <RestorePointCalendar trend={data} selected={day} onSelect={setDay} />}
        </QueryContent>
      </Section>
      {day !== undefined && (
        <Group gap="sm">
          <Text>{day}</Text>
          <Button size="xs" variant="default" onClick={() => setDay(undefined)}>
            {t.calendar.clear}
          </Button>
        </Group>
      )}
      <PagedTable
        label={t.points.label}
        query={points}
        columns={columns}
        empty={<EmptyNotice title={t.points.empty} hint={t.points.emptyHint} />}
      />
    </Stack>
  )
}
