import { List, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import type { PlanPreviewRequest } from '@osb-backup/protocol/v1'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { formatCount } from '../../components/formats.ts'
import { Instant } from '../../components/instant.tsx'
import { Section } from '../../components/section.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { KeptPoints } from './kept-points.tsx'
import { type PlanDraft, settingsOf } from './plan-draft.ts'

const t = messages.plans.preview
const DEBOUNCE_MS = 300

/** The schedule in words, its next runs, and what the retention keeps of them and of what exists. */
export function PlanPreview({ draft, planId }: { draft: PlanDraft; planId: string | undefined }) {
  const { client, hasRole } = useSession()
  const { schedule, retention } = settingsOf(draft)
  const [request] = useDebouncedValue<PlanPreviewRequest>({ planId, schedule, retention }, DEBOUNCE_MS)
  const { data, error } = useQuery({
    ...queries.planPreview(client, request),
    enabled: hasRole('operator'),
    placeholderData: keepPreviousData,
  })
  if (!hasRole('operator')) return <Section title={t.title}>{t.needsRole}</Section>
  if (error !== null) {
    return (
      <Section title={t.title}>
        <Text role="status" c="var(--mantine-color-error)">
          {t.invalid}: {error.message}
        </Text>
      </Section>
    )
  }
  const kept = new Set(data?.runsKept)
  const deleted = data?.restorePoints?.filter((point) => !point.kept).length ?? 0
  return (
    <Section title={t.title}>
      <Text fw={600} role="status">
        {data?.description ?? '…'}
      </Text>
      {deleted > 0 && <Text c="var(--mantine-color-error)">{t.deletes(formatCount(deleted))}</Text>}
      <Text size="sm" c="dimmed" mt="sm">
        {t.runs}
      </Text>
      <List size="sm" mih={240}>
        {data?.runs.map((run) => (
          <List.Item key={run}>
            <Instant at={run} />
            {data.runsKept !== undefined && `, ${kept.has(run) ? t.kept : t.notKept}`}
          </List.Item>
        ))}
      </List>
      <KeptPoints points={data?.restorePoints ?? []} />
    </Section>
  )
}
