import { Alert, Card, Group, Progress, Stack, Text } from '@mantine/core'
import type { JobPart } from '@osb-backup/protocol/v1'
import { LockKeyhole } from 'lucide-react'
import { withoutAnsi } from '../../components/ansi.ts'
import { JobStateBadge } from '../../components/badges.tsx'
import { Facts } from '../../components/facts.tsx'
import { formatBytes, formatCount, formatDuration } from '../../components/formats.ts'
import { Instant } from '../../components/instant.tsx'
import { TextLink } from '../../components/page.tsx'
import * as messages from '../../messages/messages.ts'
import { StageTimeline } from './stage-timeline.tsx'

const t = messages.jobs

/** What a job does for one item: how far it is, what it left, and what to do if it failed. */
export function JobPartCard({ part }: { part: JobPart }) {
  const bytes = (count: number | undefined) => (count === undefined ? undefined : formatBytes(count))
  return (
    <Card withBorder padding="sm" component="article" aria-label={part.item}>
      <Stack gap="sm">
        <Group gap="sm">
          <Text fw={600}>{part.item}</Text>
          <JobStateBadge state={part.state} />
          {part.database !== part.item && <Text size="sm">{t.part.database(part.database)}</Text>}
          {part.stage !== undefined && <Text size="sm">{t.part.stage(part.stage)}</Text>}
        </Group>
        {part.error !== undefined && <PartFailure part={part} />}
        {part.stages.length > 0 && <StageTimeline stages={part.stages} />}
        {part.waitingFor !== undefined && (
          <Alert color="gray" variant="default" title={t.part.waiting}>
            {part.waitingFor.reason}{' '}
            <TextLink to="/jobs/$jobId" params={{ jobId: part.waitingFor.jobId }}>
              {t.part.waitingFor}
            </TextLink>
          </Alert>
        )}
        {part.lockedSince !== undefined && (
          <Alert color="orange" variant="default" icon={<LockKeyhole aria-hidden />} title={t.part.locked}>
            <Instant at={part.lockedSince} />
            {(part.unlockAttempts ?? 0) > 0 && ` ${t.part.unlockAttempts(formatCount(part.unlockAttempts ?? 0))}`}
          </Alert>
        )}
        {part.warnings.map(({ code, message }) => (
          <Alert key={code} color="yellow" variant="default" title={message} />
        ))}
        {part.drill?.checks.map(({ name, passed, reason }) => (
          <Alert
            key={name}
            color={passed ? 'green' : 'red'}
            variant="default"
            title={passed ? t.part.checkPassed(name) : t.part.checkFailed(name)}
          >
            {reason}
          </Alert>
        ))}
        <PartProgress part={part} />
        <Facts
          facts={[
            [t.facts.started, part.startedAt && <Instant at={part.startedAt} />],
            [t.facts.ended, part.endedAt && <Instant at={part.endedAt} />],
            [t.part.read, bytes(part.bytesRead)],
            [t.part.stored, bytes(part.sizeBytes ?? part.bytesStored)],
            [t.part.original, bytes(part.originalSizeBytes)],
            [
              t.part.point,
              part.restorePointId && (
                <TextLink to="/restore-points/$pointId" params={{ pointId: part.restorePointId }}>
                  {part.restorePointId}
                </TextLink>
              ),
            ],
            [t.part.verified, part.verified && messages.restorePoints.verifications[part.verified]],
            [
              t.part.restore,
              part.drill?.restoreJobId && (
                <TextLink to="/jobs/$jobId" params={{ jobId: part.drill.restoreJobId }}>
                  {part.drill.restoreJobId}
                </TextLink>
              ),
            ],
            [
              t.part.recovery,
              part.drill?.recoverySeconds === undefined ? undefined : formatDuration(part.drill.recoverySeconds),
            ],
          ]}
        />
        {part.objectName !== undefined && (
          <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
            {t.part.object}: {part.objectName}
          </Text>
        )}
        {part.sha256 !== undefined && (
          <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
            {t.part.digest}: {part.sha256}
          </Text>
        )}
      </Stack>
    </Card>
  )
}

function PartFailure({ part: { state, failedStage, error, failureCode } }: { part: JobPart }) {
  const title =
    failedStage !== undefined
      ? t.part.failedAt(failedStage)
      : state === 'failed'
        ? t.part.failed
        : messages.states.jobs[state]
  return (
    <Alert color="red" variant="default" title={title}>
      <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
        {withoutAnsi(error ?? '')}
      </Text>
      {failureCode !== undefined && (
        <Text size="sm" mt="xs" fw={600}>
          {t.advice[failureCode]}
        </Text>
      )}
    </Alert>
  )
}

/** How far a running part is, where its size is known beforehand. */
function PartProgress({ part: { state, bytesRead = 0, bytesExpected, item } }: { part: JobPart }) {
  if (state !== 'running' || bytesExpected === undefined || bytesExpected === 0) return null
  // An estimate: it may be exceeded.
  const percent = Math.min(100, (bytesRead / bytesExpected) * 100)
  return (
    <div>
      <Progress value={percent} aria-label={item} />
      <Text size="sm">{t.part.progress(formatBytes(bytesRead), formatBytes(bytesExpected))}</Text>
    </div>
  )
}
