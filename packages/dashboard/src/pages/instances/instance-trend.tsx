import { SimpleGrid, Stack, Text } from '@mantine/core'
import type { Trend } from '@osb-backup/protocol/v1'
import { useQuery } from '@tanstack/react-query'
import { BarChart } from '../../components/bar-chart.tsx'
import { formatBytes, formatDuration, formatGrowth } from '../../components/formats.ts'
import { QueryContent } from '../../components/query-content.tsx'
import { Section } from '../../components/section.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.instances.trend
const DAYS = 30

/** How size and duration of the backups of an instance develop. */
export function InstanceTrend({ instanceId }: { instanceId: string }) {
  const { client } = useSession()
  const trend = useQuery(queries.trend(client, instanceId, { days: DAYS }))
  return (
    <Section title={t.title}>
      <QueryContent query={trend} height={180}>
        {({ items }) =>
          items.length === 0 ? (
            <Text size="sm">{t.empty}</Text>
          ) : (
            <Stack gap="lg">
              {items.map((item) => (
                <ItemTrend key={item.name} item={item} />
              ))}
            </Stack>
          )
        }
      </QueryContent>
    </Section>
  )
}

function ItemTrend({ item: { name, days, growthBytesPerDay } }: { item: Trend['items'][number] }) {
  const growth = growthBytesPerDay === undefined ? '' : ` (${t.growth(formatGrowth(growthBytesPerDay))})`
  return (
    <div>
      <Text fw={600} mb="xs">
        {name}
      </Text>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <BarChart
          title={`${t.size}${growth}`}
          bars={days.map(({ day, originalBytes }) => ({ label: day, value: originalBytes }))}
          format={formatBytes}
        />
        <BarChart
          title={t.duration}
          bars={days.map(({ day, durationSeconds }) => ({ label: day, value: durationSeconds ?? 0 }))}
          format={formatDuration}
        />
      </SimpleGrid>
    </div>
  )
}
