import { Group, Stack, Text } from '@mantine/core'
import type { Job, JobQuery } from '@osb-backup/protocol/v1'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { withoutAnsi } from '../../components/ansi.ts'
import { JobStateBadge } from '../../components/badges.tsx'
import { formatBytes } from '../../components/formats.ts'
import { Instant } from '../../components/instant.tsx'
import { TextLink } from '../../components/page.tsx'
import { QueryContent } from '../../components/query-content.tsx'
import { Section } from '../../components/section.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.overview
const SHOWN = 10
const DAY_MS = 86_400_000

/** The jobs that run now, with what they have read so far. */
export const RunningJobs = () => (
  <JobSection title={t.running} empty={t.runningEmpty} query={{ state: 'running', limit: SHOWN }} />
)

/** The jobs that failed within a day. */
export function Failures() {
  const [since] = useState(() => new Date(Date.now() - DAY_MS).toISOString())
  return <JobSection title={t.failures} empty={t.failuresEmpty} query={{ state: 'failed', since, limit: SHOWN }} />
}

function JobSection({ title, empty, query }: { title: string; empty: string; query: JobQuery }) {
  const { client } = useSession()
  const jobs = useQuery(queries.newestJobs(client, query))
  return (
    <Section
      title={title}
      actions={
        <TextLink to="/jobs" search={{ state: query.state }}>
          {t.allJobs}
        </TextLink>
      }
    >
      <QueryContent query={jobs} height={80}>
        {(items) =>
          items.length === 0 ? (
            <Text size="sm">{empty}</Text>
          ) : (
            <Stack gap="sm">
              {items.map((job) => (
                <JobEntry key={job.id} job={job} />
              ))}
            </Stack>
          )
        }
      </QueryContent>
    </Section>
  )
}

function JobEntry({ job }: { job: Job }) {
  const bytesRead = job.parts.reduce((sum, part) => sum + (part.bytesRead ?? 0), 0)
  const { stage } = job.parts.find(({ state }) => state === 'running') ?? {}
  const error = job.parts.find((part) => part.error !== undefined)?.error
  return (
    <Group gap="sm" align="flex-start" wrap="nowrap">
      <JobStateBadge state={job.state} />
      <Stack gap={2} miw={0}>
        <TextLink to="/jobs/$jobId" params={{ jobId: job.id }}>
          {messages.jobs.jobOf(messages.states.kinds[job.kind], job.instanceId)}
        </TextLink>
        <Text size="sm" c="dimmed" lineClamp={2}>
          {(error && withoutAnsi(error)) ??
            [stage, bytesRead > 0 ? formatBytes(bytesRead) : undefined].filter(Boolean).join(', ')}
        </Text>
        <Text size="sm" c="dimmed">
          <Instant at={job.startedAt ?? job.createdAt} isRelative />
        </Text>
      </Stack>
    </Group>
  )
}
