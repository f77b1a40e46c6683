import { Alert, Select, Stack, Text } from '@mantine/core'
import type { RestorePoint } from '@osb-backup/protocol/v1'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { formatBytes, formatInstant } from '../../components/formats.ts'
import { InstanceField } from '../../components/instance-field.tsx'
import { ErrorNotice } from '../../components/notices.tsx'
import { Page } from '../../components/page.tsx'
import { Section } from '../../components/section.tsx'
import { queries } from '../../data/queries.ts'
import { messages } from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { RestoreTarget } from './restore-target.tsx'

const t = messages.restore
const route = getRouteApi('/restore')
const MAX_POINTS = 500

/** Restores step by step: what, from when, where to, and what that overwrites. Each choice is in the URL. */
export function RestorePage() {
  const { client, hasRole } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { instance = '', item = '' } = search
  const items = useQuery({ ...queries.instanceItems(client, instance), enabled: instance !== '' })
  const points = useQuery({
    ...queries.pointsOfItem(client, { instance, item, limit: MAX_POINTS }),
    enabled: instance !== '' && item !== '',
  })
  const point = points.data?.find(({ id }) => id === search.point)
  const choose = (change: typeof search) => void navigate({ search: change, replace: true, resetScroll: false })
  if (!hasRole('operator')) {
    return (
      <Page title={t.title}>
        <Alert color="gray" variant="default" title={t.needsOperator} />
      </Page>
    )
  }
  const error = items.error ?? points.error
  return (
    <Page title={t.title}>
      {error !== null && <ErrorNotice error={error} />}
      <Section title={t.what}>
        <Stack>
          <InstanceField
            label={t.instance}
            value={instance}
            onChange={(chosen) => choose({ instance: chosen })}
            error={undefined}
          />
          <Select
            label={t.item}
            data={items.data?.map(({ name }) => name) ?? []}
            value={item === '' ? null : item}
            disabled={instance === ''}
            searchable
            allowDeselect={false}
            onChange={(chosen) => choose({ instance, item: chosen ?? undefined })}
          />
        </Stack>
      </Section>
      <Section title={t.when}>
        {points.data?.length === 0 ? (
          <Text role="status">{t.noPoints}</Text>
        ) : (
          <Select
            label={t.point}
            data={points.data?.map((each) => ({ value: each.id, label: labelOf(each) })) ?? []}
            value={point?.id ?? null}
            description={points.data?.length === MAX_POINTS ? t.newestCut : undefined}
            disabled={points.data === undefined}
            searchable
            allowDeselect={false}
            onChange={(chosen) => choose({ instance, item, point: chosen ?? undefined })}
          />
        )}
      </Section>
      {point !== undefined && <RestoreTarget key={point.id} point={point} />}
    </Page>
  )
}

function labelOf({ takenAt, sizeBytes, suspicious, verification, deletion }: RestorePoint): string {
  const marks = [
    suspicious ? t.marks.suspicious : undefined,
    verification && t.marks[verification.state],
    deletion && t.marks.deleting,
  ]
  return [t.pointLabel(formatInstant(takenAt), formatBytes(sizeBytes)), ...marks].filter(Boolean).join(', ')
}
