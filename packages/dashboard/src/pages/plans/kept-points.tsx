import { List, Text } from '@mantine/core'
import type { PlanPreview } from '@osb-backup/protocol/v1'
import { formatCount } from '../../components/formats.ts'
import { Instant } from '../../components/instant.tsx'
import * as messages from '../../messages/messages.ts'

const t = messages.plans.preview
const SHOWN = 50

/** Restore points, newest first, and why a retention would keep each. */
export function KeptPoints({ points }: { points: NonNullable<PlanPreview['restorePoints']> }) {
  if (points.length === 0) return null
  return (
    <>
      <Text size="sm" c="dimmed" mt="sm">
        {t.existing}
      </Text>
      <List size="sm">
        {points.slice(0, SHOWN).map(({ id, item, takenAt, kept, keptBecause }) => (
          <List.Item key={id}>
            <Instant at={takenAt} />
            {`, ${item}: `}
            {kept ? keptBecause.map((reason) => t.reasons[reason]).join(', ') : <strong>{t.notKeptNow}</strong>}
          </List.Item>
        ))}
      </List>
      {points.length > SHOWN && <Text size="sm">{t.more(formatCount(points.length - SHOWN))}</Text>}
    </>
  )
}
