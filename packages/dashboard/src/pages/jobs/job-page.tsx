import { Alert, Stack } from '@mantine/core'
import type { Job } from '@osb-backup/protocol/v1'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { JobStateBadge } from '../../components/badges.tsx'
import { Facts } from '../../components/facts.tsx'
import { formatCount, formatDuration } from '../../components/formats.ts'
import { Instant } from '../../components/instant.tsx'
import { DestinationLink, PlanLink } from '../../components/name-links.tsx'
import { Page, TextLink } from '../../components/page.tsx'
import { QueryContent } from '../../components/query-content.tsx'
import { Section } from '../../components/section.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { JobActions } from './job-actions.tsx'
import { JobLogView } from './job-logs.tsx'
import { JobPartCard } from './job-part-card.tsx'

const t = messages.jobs
const route = getRouteApi('/jobs/$jobId')

/** One job, as it runs: its parts and stages, what its scripts print, and why it failed. */
export function JobPage() {
  const { jobId } = route.useParams()
  const { client } = useSession()
  const query = useQuery(queries.job(client, jobId))
  const job = query.data
  return (
    <Page
      title={job === undefined ? jobId : t.jobOf(messages.states.kinds[job.kind], job.instanceId)}
      parents={[{ label: t.title, link: { to: '/jobs' } }]}
      actions={job && <JobActions job={job} />}
    >
      <QueryContent query={query} height={400}>
        {(data) => (
          <Stack gap="lg">
            <div role="status">
              <JobStateBadge state={data.state} />
            </div>
            {data.cancellation !== undefined && (
              <Alert color="gray" variant="default" title={t.facts.cancelledBy(data.cancellation.requestedBy)}>
                <Instant at={data.cancellation.requestedAt} />
              </Alert>
            )}
            <JobFacts job={data} />
            <Section title={t.parts}>
              <Stack gap="md">
                {data.parts.map((part) => (
                  <JobPartCard key={`${part.item}/${part.database}`} part={part} />
                ))}
              </Stack>
            </Section>
            <JobLogView job={data} />
          </Stack>
        )}
      </QueryContent>
    </Page>
  )
}

function JobFacts({ job }: { job: Job }) {
  const jobLink = (jobId: string | undefined, label: string) =>
    jobId && (
      <TextLink to="/jobs/$jobId" params={{ jobId }}>
        {label}
      </TextLink>
    )
  return (
    <Facts
      facts={[
        [
          t.facts.instance,
          <TextLink key="instance" to="/instances/$instanceId" params={{ instanceId: job.instanceId }}>
            {job.instanceId}
          </TextLink>,
        ],
        [t.facts.plan, job.planId && <PlanLink planId={job.planId} instanceId={job.instanceId} />],
        [t.facts.destination, <DestinationLink key="destination" destinationId={job.destinationId} />],
        [
          messages.restorePoints.title,
          job.kind === 'backup' && job.parts.some(({ sizeBytes }) => sizeBytes !== undefined && sizeBytes > 0) ? (
            <TextLink key="points" to="/restore-points" search={{ job: job.id }}>
              {t.facts.points}
            </TextLink>
          ) : undefined,
        ],
        [
          t.facts.target,
          job.drill?.targetInstanceId && (
            <TextLink to="/instances/$instanceId" params={{ instanceId: job.drill.targetInstanceId }}>
              {job.drill.targetInstanceId}
            </TextLink>
          ),
        ],
        [t.facts.drill, jobLink(job.drillId, t.facts.drill)],
        [t.facts.sample, job.samplePercent === undefined ? undefined : t.facts.sampleOf(job.samplePercent)],
        [t.facts.created, <Instant key="created" at={job.createdAt} />],
        [t.facts.due, job.dueAt && <Instant at={job.dueAt} />],
        [t.facts.started, job.startedAt && <Instant at={job.startedAt} />],
        [t.facts.ended, job.endedAt && <Instant at={job.endedAt} />],
        [t.facts.duration, job.durationSeconds === undefined ? undefined : formatDuration(job.durationSeconds)],
        [t.facts.attempt, job.attempt > 1 ? formatCount(job.attempt) : undefined],
        [t.facts.previous, jobLink(job.previousAttemptId, t.facts.previous)],
        [t.facts.next, jobLink(job.nextAttemptId, t.facts.next)],
        [t.facts.nextAt, job.nextAttemptAt && <Instant at={job.nextAttemptAt} />],
      ]}
    />
  )
}
