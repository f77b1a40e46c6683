import { Alert, Button, Group, Stack, Tabs, Text } from '@mantine/core'
import type { Instance, Job } from '@osb-backup/protocol/v1'
import { useInfiniteQuery, useQueries, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { LockKeyhole } from 'lucide-react'
import { ProtectionBadge } from '../../components/badges.tsx'
import { Facts } from '../../components/facts.tsx'
import { Instant } from '../../components/instant.tsx'
import { EmptyNotice } from '../../components/notices.tsx'
import { Page, TextLink } from '../../components/page.tsx'
import { PagedTable } from '../../components/paged-table.tsx'
import { QueryContent } from '../../components/query-content.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { jobColumns } from '../jobs/job-columns.tsx'
import { InstanceItems } from './instance-items.tsx'
import { InstancePoints } from './instance-points.tsx'
import { InstanceTrend } from './instance-trend.tsx'

const t = messages.instances
const route = getRouteApi('/instances/$instanceId')
const tabs = ['items', 'restore-points', 'jobs'] as const

/** One instance: what of it is protected, what can be restored, and how its backups develop. */
export function InstancePage() {
  const { instanceId } = route.useParams()
  const { client } = useSession()
  const instance = useQuery(queries.instance(client, instanceId))
  return (
    <Page
      title={instanceId}
      parents={[{ label: t.title, link: { to: '/instances' } }]}
      actions={instance.data && <InstanceActions instanceId={instanceId} />}
    >
      <QueryContent query={instance} height={300}>
        {(data) => <InstanceContent instance={data} />}
      </QueryContent>
    </Page>
  )
}

function InstanceActions({ instanceId }: { instanceId: string }) {
  const { hasRole } = useSession()
  const search = { instance: instanceId }
  return (
    <Group gap="xs">
      <Button variant="default" renderRoot={(props) => <Link to="/plans" search={search} {...props} />}>
        {messages.plans.title}
      </Button>
      <Button variant="default" renderRoot={(props) => <Link to="/destinations" search={search} {...props} />}>
        {t.destinations}
      </Button>
      {hasRole('admin') && (
        <Button
          variant="default"
          renderRoot={(props) => <Link to="/instances/$instanceId/settings" params={{ instanceId }} {...props} />}
        >
          {t.settings}
        </Button>
      )}
      {hasRole('operator') && (
        <>
          <Button variant="default" renderRoot={(props) => <Link to="/plans/new" search={search} {...props} />}>
            {t.newPlan}
          </Button>
          <Button renderRoot={(props) => <Link to="/restore" search={search} {...props} />}>
            {messages.restore.link}
          </Button>
        </>
      )}
    </Group>
  )
}

function InstanceContent({ instance }: { instance: Instance }) {
  const { tab = 'items', day } = route.useSearch()
  const navigate = route.useNavigate()
  return (
    <Stack gap="lg">
      <Group gap="sm" align="flex-start">
        <ProtectionBadge state={instance.protection.state} />
        <Text flex={1} miw={200}>
          {instance.protection.reason}
        </Text>
      </Group>
      {instance.lockedSince !== undefined && (
        <Alert color="red" variant="default" icon={<LockKeyhole aria-hidden />} title={t.locked}>
          {t.lockedSince} <Instant at={instance.lockedSince} />
        </Alert>
      )}
      <InstanceFacts instance={instance} />
      <Tabs
        value={tab}
        onChange={(value) =>
          void navigate({ search: { tab: tabs.find((each) => each === value) }, replace: true, resetScroll: false })
        }
        keepMounted={false}
      >
        <Tabs.List mb="md">
          {tabs.map((each) => (
            <Tabs.Tab key={each} value={each}>
              {t.tabs[each]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="items">
          <Stack gap="lg">
            <InstanceItems instanceId={instance.id} />
            <InstanceTrend instanceId={instance.id} />
          </Stack>
        </Tabs.Panel>
        <Tabs.Panel value="restore-points">
          <InstancePoints
            instanceId={instance.id}
            day={day}
            onDay={(chosen) => void navigate({ search: { tab, day: chosen }, replace: true, resetScroll: false })}
          />
        </Tabs.Panel>
        <Tabs.Panel value="jobs">
          <InstanceJobs instanceId={instance.id} />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  )
}

function InstanceFacts({ instance }: { instance: Instance }) {
  const { hosts, agentId, otherAgents = [], createdAt, lastProvenRestorableAt } = instance
  const { client } = useSession()
  const { data } = useQuery({ ...queries.agent(client, agentId ?? ''), enabled: agentId !== undefined })
  const agent = data?.value
  // The rows are there from the beginning, so that nothing below them moves.
  const loading = agentId === undefined ? undefined : '…'
  return (
    <Facts
      facts={[
        [
          t.facts.hosts,
          hosts.map(({ address, port }) => (port === undefined ? address : `${address}:${port}`)).join(', '),
        ],
        [
          t.facts.agent,
          agent === undefined ? (
            loading
          ) : (
            <span key="agent">
              <TextLink to="/agents/$agentId" params={{ agentId: agent.id }}>
                {agent.name ?? agent.url}
              </TextLink>{' '}
              ({messages.states.agents[agent.state]})
            </span>
          ),
        ],
        ...(otherAgents.length === 0
          ? []
          : [[t.facts.otherAgents, <OtherAgents key="others" others={otherAgents} />] as const]),
        [
          t.facts.lastSeen,
          agent === undefined ? (
            loading
          ) : agent.lastSeenAt ? (
            <Instant at={agent.lastSeenAt} isRelative />
          ) : (
            t.facts.never
          ),
        ],
        [t.facts.version, agent === undefined ? loading : (agent.version ?? t.facts.unknown)],
        [t.facts.proven, lastProvenRestorableAt && <Instant at={lastProvenRestorableAt} isRelative />],
        [t.facts.created, <Instant key="created" at={createdAt} />],
      ]}
    />
  )
}

function OtherAgents({ others }: { others: NonNullable<Instance['otherAgents']> }) {
  const { client } = useSession()
  const found = useQueries({ queries: others.map(({ agentId }) => queries.agent(client, agentId)) })
  return (
    <Stack gap={0}>
      {others.map(({ agentId, host }, index) => {
        const agent = found[index]?.data?.value
        return (
          <span key={agentId}>
            <TextLink to="/agents/$agentId" params={{ agentId }}>
              {agent?.name ?? agent?.url ?? agentId}
            </TextLink>
            {host === undefined ? '' : ` · ${host}`}
            {agent === undefined ? '' : ` (${messages.states.agents[agent.state]})`}
          </span>
        )
      })}
    </Stack>
  )
}

function InstanceJobs({ instanceId }: { instanceId: string }) {
  const { client } = useSession()
  const query = useInfiniteQuery(queries.jobs(client, { instance: instanceId }))
  return (
    <PagedTable<Job>
      label={messages.jobs.title}
      query={query}
      columns={jobColumns}
      empty={<EmptyNotice title={messages.jobs.empty} hint={messages.jobs.emptyHint} />}
    />
  )
}
