import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import type { Agent } from '@osb-backup/protocol/v1'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { CircleX, Clock, Unplug } from 'lucide-react'
import { ActionButton } from '../../components/action-button.tsx'
import { AgentStateBadge } from '../../components/badges.tsx'
import { Facts } from '../../components/facts.tsx'
import { formatBytes, formatCount, formatDuration } from '../../components/formats.ts'
import { Instant } from '../../components/instant.tsx'
import { Page, TextLink } from '../../components/page.tsx'
import { QueryContent } from '../../components/query-content.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { AgentEnrolment } from './agent-enrolment.tsx'
import { AgentForm } from './agent-form.tsx'
import { AgentPacks } from './agent-packs.tsx'

const t = messages.agents
const route = getRouteApi('/agents/$agentId')
const parents = [{ label: t.title, link: { to: '/agents' } }] as const

/** One agent: whether it can be used, what it can do, and its certificate. */
export function AgentPage() {
  const { agentId } = route.useParams()
  const { client, hasRole } = useSession()
  const query = useQuery(queries.agent(client, agentId))
  const agent = query.data?.value
  return (
    <Page
      title={agent?.name ?? agent?.url ?? agentId}
      parents={[...parents]}
      actions={agent && <AgentActions agent={agent} />}
    >
      <QueryContent query={query} height={400}>
        {({ value, version }) => (
          <Stack gap="lg">
            <AgentHealth agent={value} />
            <AgentFacts agent={value} />
            <AgentPacks agent={value} />
            <AgentEnrolment key={value.id} agent={value} />
            {hasRole('admin') ? (
              <AgentForm key={version} stored={value} version={version} />
            ) : (
              <Text size="sm" c="dimmed">
                {t.form.readOnly}
              </Text>
            )}
          </Stack>
        )}
      </QueryContent>
    </Page>
  )
}

/** The form of an agent that is not registered yet. */
export function NewAgentPage() {
  const { hasRole } = useSession()
  return (
    <Page title={t.create} parents={[...parents]}>
      {hasRole('admin') ? <AgentForm /> : <Alert color="gray" variant="default" title={t.form.readOnly} />}
    </Page>
  )
}

function AgentHealth({ agent: { state, error, startProblem, clockSkewSeconds } }: { agent: Agent }) {
  return (
    <>
      <Group gap="sm" role="status">
        <AgentStateBadge state={state} />
      </Group>
      {error !== undefined && (
        <Alert color="red" variant="default" icon={<Unplug aria-hidden />} title={t.unreachable}>
          {error} {t.unreachableHint}
        </Alert>
      )}
      {clockSkewSeconds !== undefined && (
        <Alert color="orange" variant="default" icon={<Clock aria-hidden />} title={t.clockSkew}>
          {t.clockSkewBy(formatDuration(Math.abs(clockSkewSeconds)), clockSkewSeconds > 0)}
        </Alert>
      )}
      {startProblem !== undefined && (
        <Alert color="red" variant="default" icon={<CircleX aria-hidden />} title={t.startProblem}>
          {startProblem} {t.startProblemHint}
        </Alert>
      )}
    </>
  )
}

function AgentFacts({ agent }: { agent: Agent }) {
  const { certificateExpiresAt } = agent
  return (
    <Facts
      facts={[
        [t.facts.url, agent.url],
        [t.facts.username, agent.username],
        [t.facts.version, agent.version],
        [t.facts.seen, <Instant key="seen" at={agent.lastSeenAt} isRelative />],
        [t.facts.checked, <Instant key="checked" at={agent.lastCheckedAt} isRelative />],
        ...agent.disks.map(
          ({ directory, freeBytes, sizeBytes }) =>
            [t.facts.freeDisk(directory), t.facts.ofDisk(formatBytes(freeBytes), formatBytes(sizeBytes))] as const,
        ),
        [
          t.facts.instances,
          <TextLink key="instances" to="/instances" search={{ agent: agent.id }}>
            {formatCount(agent.instanceCount)}
          </TextLink>,
        ],
        [
          t.facts.certificate,
          certificateExpiresAt === undefined ? t.facts.noCertificate : <Instant at={certificateExpiresAt} />,
        ],
        [t.facts.created, <Instant key="created" at={agent.createdAt} />],
      ]}
    />
  )
}

function AgentActions({ agent: { id } }: { agent: Agent }) {
  const { client, hasRole } = useSession()
  const navigate = useNavigate()
  return (
    <Group gap="xs">
      <ActionButton
        label={t.check}
        perform={() => client.agents.check(id)}
        affects={['agents', 'overview']}
        isDisabled={!hasRole('operator')}
      />
      {hasRole('admin') && (
        <>
          <ActionButton
            label={t.delete.action}
            confirmation={{ title: t.delete.title, hint: t.delete.hint, confirm: t.delete.action }}
            perform={() => client.agents.delete(id)}
            affects={['agents', 'overview']}
            onDone={() => navigate({ to: '/agents' })}
          />
          <Button renderRoot={(props) => <Link to="/instances/new" search={{ agent: id }} {...props} />}>
            {t.newInstance}
          </Button>
        </>
      )}
      {!hasRole('operator') && (
        <Text size="sm" c="dimmed">
          {messages.shell.needsRole('operator')}
        </Text>
      )}
    </Group>
  )
}
