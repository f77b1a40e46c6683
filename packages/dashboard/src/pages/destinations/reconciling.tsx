import { Alert, Group, NumberInput, Radio, Stack, Text } from '@mantine/core'
import { isEnded, type Reconciliation } from '@osb-backup/protocol/v1'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { ActionButton } from '../../components/action-button.tsx'
import { Instant } from '../../components/instant.tsx'
import { QueryContent } from '../../components/query-content.tsx'
import { Section } from '../../components/section.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { ReconciliationFindings } from './reconciliation-findings.tsx'

const t = messages.destinations.reconcile
const route = getRouteApi('/destinations/$destinationId')
const modes = ['list', 'adopt', 'remove'] as const
type Mode = (typeof modes)[number]

const DAY_HOURS = 24
const HOUR_SECONDS = 3600

/** Starts to compare a destination with what is recorded, and shows the comparison that the URL names. */
export function Reconciling({ destinationId }: { destinationId: string }) {
  const { client, hasRole } = useSession()
  const { reconciliation: id } = route.useSearch()
  const reconciliation = useQuery({ ...queries.reconciliation(client, id ?? ''), enabled: id !== undefined })
  return (
    <Section title={t.title}>
      <Stack gap="md">
        <Text size="sm">{t.hint}</Text>
        {hasRole('operator') ? <Start destinationId={destinationId} /> : <Text size="sm">{t.needsOperator}</Text>}
        {id !== undefined && (
          <QueryContent query={reconciliation} height={120}>
            {(data) => <Outcome reconciliation={data} />}
          </QueryContent>
        )}
      </Stack>
    </Section>
  )
}

function Start({ destinationId }: { destinationId: string }) {
  const { client, hasPermission } = useSession()
  const navigate = route.useNavigate()
  const [mode, setMode] = useState<Mode>('list')
  const [hours, setHours] = useState(DAY_HOURS)
  const mayDelete = hasPermission('delete-backups')
  return (
    <Stack gap="sm">
      <Radio.Group label={t.mode} value={mode} onChange={(value) => setMode(value as Mode)}>
        <Stack gap="xs" mt="xs">
          {modes.map((each) => (
            <Radio key={each} value={each} label={t.modes[each]} disabled={each === 'remove' && !mayDelete} />
          ))}
        </Stack>
      </Radio.Group>
      {!mayDelete && (
        <Text size="sm" c="dimmed">
          {messages.shell.needsDeletion}
        </Text>
      )}
      <NumberInput
        label={t.olderThan}
        w={300}
        min={0}
        max={100_000}
        value={hours}
        onChange={(value) => setHours(Number(value))}
      />
      <Group>
        <ActionButton
          key={mode}
          label={t.start}
          confirmation={
            mode === 'remove'
              ? { title: t.removeTitle, hint: t.removeHint, confirm: t.start, typed: 'remove' }
              : undefined
          }
          perform={() =>
            client.destinations.reconcile(destinationId, {
              olderThanSeconds: Math.round(hours * HOUR_SECONDS),
              ...(mode === 'list' ? {} : { [mode]: true }),
            })
          }
          affects={['reconciliations']}
          onDone={({ id }) => navigate({ search: { reconciliation: id }, replace: true, resetScroll: false })}
        />
      </Group>
    </Stack>
  )
}

function Outcome({ reconciliation }: { reconciliation: Reconciliation }) {
  const { client, hasRole } = useSession()
  const { id, state, startedAt, error, findings } = reconciliation
  return (
    <Stack gap="sm">
      <Group gap="sm">
        <Text role="status" fw={600}>
          {t.states[state]}
        </Text>
        {startedAt !== undefined && (
          <Text size="sm">
            {t.startedAt} <Instant at={startedAt} isRelative />
          </Text>
        )}
        {!isEnded(state) && (
          <ActionButton
            label={t.cancel}
            size="xs"
            perform={() => client.reconciliations.cancel(id)}
            affects={['reconciliations']}
            isDisabled={!hasRole('operator')}
          />
        )}
      </Group>
      {error !== undefined && <Alert color="red" variant="default" title={error} />}
      {findings !== undefined && <ReconciliationFindings findings={findings} />}
    </Stack>
  )
}
