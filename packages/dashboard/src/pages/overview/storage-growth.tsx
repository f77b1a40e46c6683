import { Text } from '@mantine/core'
import type { Overview } from '@osb-backup/protocol/v1'
import { BarChart } from '../../components/bar-chart.tsx'
import { formatBytes, formatGrowth } from '../../components/formats.ts'
import * as messages from '../../messages/messages.ts'

const t = messages.overview.storage

/** How much is stored at the end of each day, and how fast that grows. */
export function StorageGrowth({ days, growthBytesPerDay }: Overview['storage']) {
  if (days.length === 0) return <Text size="sm">{t.empty}</Text>
  const growth = growthBytesPerDay === undefined ? '' : `, ${t.growth(formatGrowth(growthBytesPerDay))}`
  return (
    <BarChart
      title={`${t.stored}${growth}`}
      bars={days.map(({ day, storedBytes }) => ({ label: day, value: storedBytes }))}
      format={formatBytes}
    />
  )
}
