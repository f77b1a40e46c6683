import { Alert, Anchor, Card, Group, List, SimpleGrid, Skeleton, Stack, Text, Title } from '@mantine/core'
import { type Overview, protectionStates } from '@osb-backup/protocol/v1'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Clock, LockKeyhole } from 'lucide-react'
import { lazy, Suspense } from 'react'
import { protectionLooks } from '../../components/badges.tsx'
import { Facts } from '../../components/facts.tsx'
import { formatBytes, formatCount } from '../../components/formats.ts'
import { Instant } from '../../components/instant.tsx'
import { Page, TextLink } from '../../components/page.tsx'
import { QueryContent } from '../../components/query-content.tsx'
import { Section } from '../../components/section.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { ActiveAlarms } from './active-alarms.tsx'
import { Attention } from './attention.tsx'
import { Checklist } from './checklist.tsx'
import { Failures, RunningJobs } from './current-jobs.tsx'
import { NextRuns } from './next-runs.tsx'

const t = messages.overview
/** Charts are no part of the first screen. */
const StorageGrowth = lazy(async () => ({ default: (await import('./storage-growth.tsx')).StorageGrowth }))
const CHART_HEIGHT = 88
/** What comes below is out of sight until the height of the rest is known. */
const LOADING_HEIGHT = 900

/** Is everything protected, and if not, what should be done? */
export function OverviewPage() {
  const { client } = useSession()
  const overview = useQuery(queries.overview(client))
  return (
    <Page title={t.title}>
      <QueryContent query={overview} height={LOADING_HEIGHT}>
        {(data) => (
          <Stack gap="lg">
            {data.restorePoints.total === 0 && <Checklist overview={data} />}
            {data.instances.total > 0 && <Numbers overview={data} />}
          </Stack>
        )}
      </QueryContent>
      <ActiveAlarms />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <RunningJobs />
        <Failures />
      </SimpleGrid>
    </Page>
  )
}

function Numbers({ overview }: { overview: Overview }) {
  const { instances, jobs, restorePoints, agents, destinations } = overview
  const needAttention = instances.total - instances.protected
  const agentCount = agents.reachable + agents.unreachable + agents.unknown
  const destinationCount = destinations.reachable + destinations.unreachable + destinations.unknown
  return (
    <Stack gap="lg">
      <Title order={2} size="h4">
        {needAttention === 0 ? t.allProtected : t.notAllProtected(formatCount(needAttention))}
      </Title>
      <SimpleGrid cols={{ base: 2, sm: 4 }}>
        {protectionStates
          .filter((state) => state !== 'exempt' || instances.exempt > 0)
          .map((state) => (
            <ProtectionCard key={state} state={state} count={instances[state === 'at-risk' ? 'atRisk' : state]} />
          ))}
      </SimpleGrid>
      <Warnings overview={overview} />
      <Facts
        facts={[
          [t.facts.restorePoints, formatCount(restorePoints.total)],
          [t.facts.stored, formatBytes(restorePoints.sizeBytes)],
          [t.facts.succeeded, formatCount(jobs.succeededLastDay)],
          [t.facts.failed, formatCount(jobs.failedLastDay)],
          [t.facts.queued, formatCount(jobs.queued)],
          [
            t.facts.agents,
            <TextLink key="agents" to="/agents" search={agents.unreachable > 0 ? { state: 'unreachable' } : {}}>
              {t.ofTotal(formatCount(agents.reachable), formatCount(agentCount))}
            </TextLink>,
          ],
          [t.facts.destinations, <Destinations key="destinations" total={destinationCount} {...destinations} />],
        ]}
      />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Attention attention={overview.attention} />
        <Stack gap="lg">
          <NextRuns nextRuns={overview.nextRuns} />
          <Section title={t.storage.title}>
            <Suspense fallback={<Skeleton height={CHART_HEIGHT} role="status" aria-label={messages.shell.loading} />}>
              <StorageGrowth {...overview.storage} />
            </Suspense>
          </Section>
        </Stack>
      </SimpleGrid>
    </Stack>
  )
}

/** The alarms say which cannot be reached, and why. */
function Destinations({ total, unreachable }: Overview['destinations'] & { total: number }) {
  if (unreachable === 0) return <TextLink to="/destinations">{formatCount(total)}</TextLink>
  return (
    <TextLink to="/alarms" search={{ kind: 'destination-failing' }}>
      {t.unreachable(formatCount(unreachable), formatCount(total))}
    </TextLink>
  )
}

function ProtectionCard({ state, count }: { state: (typeof protectionStates)[number]; count: number }) {
  const { color, Icon } = protectionLooks[state]
  const tone = count === 0 ? 'dimmed' : `var(--mantine-color-${color}-text)`
  return (
    <Card withBorder padding="md">
      <Group gap="xs" wrap="nowrap">
        <Icon size={22} color={count === 0 ? 'var(--mantine-color-dimmed)' : tone} aria-hidden />
        <Anchor
          c="inherit"
          fz="sm"
          renderRoot={(props) => <Link to="/instances" search={{ protection: state }} {...props} />}
        >
          {messages.states.protection[state]}
        </Anchor>
      </Group>
      <Text fz={32} fw={600} lh={1.2}>
        {formatCount(count)}
      </Text>
    </Card>
  )
}

/** What stops the system from doing its work: locked databases, and a clock that was set. */
function Warnings({ overview: { lockedDatabases, clockJump } }: { overview: Overview }) {
  return (
    <>
      {clockJump !== undefined && (
        <Alert color="orange" variant="default" icon={<Clock aria-hidden />} title={t.clockJump}>
          {t.clockJumpHint} <Instant at={clockJump.detectedAt} />
        </Alert>
      )}
      {lockedDatabases.length > 0 && (
        <Section title={t.locked}>
          <List listStyleType="none" spacing="xs">
            {lockedDatabases.map(({ instanceId, database, jobId, lockedSince, unlockAttempts }) => (
              <List.Item key={`${instanceId}/${database}`} icon={<LockKeyhole size={16} aria-hidden />}>
                <TextLink to="/instances/$instanceId" params={{ instanceId }}>
                  {instanceId}
                </TextLink>{' '}
                {database}, {t.lockedBy}{' '}
                <TextLink to="/jobs/$jobId" params={{ jobId }}>
                  {jobId}
                </TextLink>{' '}
                {t.since} <Instant at={lockedSince} />
                {unlockAttempts > 0 && `. ${t.unlockFailing(formatCount(unlockAttempts))}.`}
              </List.Item>
            ))}
          </List>
        </Section>
      )}
    </>
  )
}
