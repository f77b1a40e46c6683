import { Alert, Button, Group, Radio, Select, Stack, Text } from '@mantine/core'
import type { RestorePoint } from '@osb-backup/protocol/v1'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { formatBytes, formatInstant } from '../../components/formats.ts'
import { InstanceField } from '../../components/instance-field.tsx'
import { ErrorNotice } from '../../components/notices.tsx'
import { Page } from '../../components/page.tsx'
import { QueryContent } from '../../components/query-content.tsx'
import { CALENDAR_DAYS, RestorePointCalendar } from '../../components/restore-point-calendar.tsx'
import { Section } from '../../components/section.tsx'
import { rangeOfDay } from '../../data/days.ts'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { RestoreTarget } from './restore-target.tsx'

const t = messages.restore
const route = getRouteApi('/restore')
/** Of a day, and of the newest ones while no day is chosen. */
const MAX_POINTS = 100
const NEWEST_POINTS = 10

/** Restores step by step: what, from when, where to, and what that overwrites. Each choice is in the URL. */
export function RestorePage() {
  const { client, hasRole } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const point = useQuery({ ...queries.restorePoint(client, search.point ?? ''), enabled: search.point !== undefined })
  // A link may name the restore point alone.
  const { instance = point.data?.instanceId ?? '', item = point.data?.item ?? '', day } = search
  const items = useQuery({ ...queries.instanceItems(client, instance), enabled: instance !== '' })
  const choose = (change: typeof search) => void navigate({ search: change, replace: true, resetScroll: false })
  if (!hasRole('operator')) {
    return (
      <Page title={t.title}>
        <Alert color="gray" variant="default" title={t.needsOperator} />
      </Page>
    )
  }
  return (
    <Page title={t.title}>
      {items.error !== null && <ErrorNotice error={items.error} onRetry={() => void items.refetch()} />}
      <Section title={t.what}>
        <Stack>
          <InstanceField
            key={instance === '' ? 'none' : 'chosen'}
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
        {item === '' ? (
          <Text size="sm">{t.chooseItem}</Text>
        ) : (
          <ChoosePoint
            instance={instance}
            item={item}
            day={day}
            pointId={search.point}
            onDay={(chosen) => choose({ instance, item, day: chosen })}
            onPoint={(chosen) => choose({ instance, item, day, point: chosen })}
          />
        )}
      </Section>
      {point.error !== null && <ErrorNotice error={point.error} onRetry={() => void point.refetch()} />}
      {point.data !== undefined && search.point !== undefined && (
        <RestoreTarget key={point.data.id} point={point.data} />
      )}
    </Page>
  )
}

function ChoosePoint({
  instance,
  item,
  day,
  pointId,
  onDay,
  onPoint,
}: {
  instance: string
  item: string
  day: string | undefined
  pointId: string | undefined
  onDay: (day: string | undefined) => void
  onPoint: (pointId: string) => void
}) {
  const { client } = useSession()
  const trend = useQuery(queries.trend(client, instance, { days: CALENDAR_DAYS, item }))
  const limit = day === undefined ? NEWEST_POINTS : MAX_POINTS
  const points = useQuery(queries.pointsOfItem(client, { instance, item, limit, ...rangeOfDay(day) }))
  return (
    <Stack gap="md">
      <QueryContent query={trend} height={190}>
        {(data) => <RestorePointCalendar trend={data} selected={day} onSelect={onDay} />}
      </QueryContent>
      <Group gap="sm">
        <Text size="sm">{day === undefined ? t.newest : messages.restorePoints.of.day(day)}</Text>
        {day !== undefined && (
          <Button size="xs" variant="default" onClick={() => onDay(undefined)}>
            {t.showNewest}
          </Button>
        )}
      </Group>
      <QueryContent query={points} height={120}>
        {(data) =>
          data.length === 0 ? (
            <Text role="status">{t.noPoints}</Text>
          ) : (
            <Radio.Group label={t.point} value={pointId ?? null} onChange={onPoint}>
              <Stack gap="xs" mt="xs">
                {data.map((each) => (
                  <Radio key={each.id} value={each.id} label={labelOf(each)} disabled={each.deletion !== undefined} />
                ))}
              </Stack>
            </Radio.Group>
          )
        }
      </QueryContent>
    </Stack>
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
