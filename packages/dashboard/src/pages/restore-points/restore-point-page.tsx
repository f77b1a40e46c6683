import { Alert, Stack, Text } from '@mantine/core'
import type { RestorePoint } from '@osb-backup/protocol/v1'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { CircleAlert, CircleX, Lock, Trash2 } from 'lucide-react'
import { Facts } from '../../components/facts.tsx'
import { formatBytes, formatCount } from '../../components/formats.ts'
import { Instant } from '../../components/instant.tsx'
import { DestinationLink, PlanLink } from '../../components/name-links.tsx'
import { Page, TextLink } from '../../components/page.tsx'
import { QueryContent } from '../../components/query-content.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { isUndeletable, PointActions } from './point-actions.tsx'
import { PointDownload } from './point-download.tsx'

const t = messages.restorePoints
const route = getRouteApi('/restore-points/$pointId')

/** One restore point: whether data can be restored from it, and everything that can be done with it. */
export function RestorePointPage() {
  const { pointId } = route.useParams()
  const { client, hasRole } = useSession()
  const query = useQuery(queries.restorePoint(client, pointId))
  const point = query.data
  return (
    <Page
      title={point === undefined ? pointId : t.titleOf(point.item, point.instanceId)}
      parents={[{ label: t.title, link: { to: '/restore-points' } }]}
      actions={point && <PointActions point={point} />}
    >
      <QueryContent query={query} height={400}>
        {(data) => (
          <Stack gap="lg">
            <PointStates point={data} />
            <PointFacts point={data} />
            {hasRole('operator') && <PointDownload key={data.id} point={data} />}
          </Stack>
        )}
      </QueryContent>
    </Page>
  )
}

/** What has to be known before anything is restored from it. */
function PointStates({ point }: { point: RestorePoint }) {
  const { verification, usualSizeBytes } = point
  const broken = verification?.state === 'intact' ? undefined : verification?.state
  return (
    <>
      {broken !== undefined && (
        <Alert color="red" variant="default" icon={<CircleX aria-hidden />} title={t.states[broken]}>
          {t.states[`${broken}Hint`]}
        </Alert>
      )}
      {point.suspicious && (
        <Alert
          color="orange"
          variant="default"
          icon={<CircleAlert aria-hidden />}
          title={t.states.suspicious(usualSizeBytes === undefined ? '–' : formatBytes(usualSizeBytes))}
        >
          {t.states.suspiciousHint}
        </Alert>
      )}
      {point.afterFailure && (
        <Alert color="orange" variant="default" icon={<CircleAlert aria-hidden />} title={t.states.afterFailure} />
      )}
      {point.held && <Alert color="blue" variant="default" icon={<Lock aria-hidden />} title={t.states.held} />}
      {point.deletion !== undefined && <Deletion deletion={point.deletion} />}
      {point.warnings.map(({ code, message }) => (
        <Alert key={code} color="yellow" variant="default" title={message} />
      ))}
    </>
  )
}

function Deletion({ deletion }: { deletion: NonNullable<RestorePoint['deletion']> }) {
  const { reason, attempts, nextAttemptAt, error, lockedUntil } = deletion
  return (
    <Alert color="orange" variant="default" icon={<Trash2 aria-hidden />} title={t.states.deleting}>
      <Text size="sm">
        {t.states.reasons[reason]} {t.states.deletingAt} <Instant at={nextAttemptAt} isRelative />.{' '}
        {isUndeletable(deletion) && t.states.undeletable}
      </Text>
      {error !== undefined && (
        <Text size="sm">
          {t.states.attempts(formatCount(attempts))} {error}
        </Text>
      )}
      {lockedUntil !== undefined && (
        <Text size="sm">
          {t.states.lockedUntil} <Instant at={lockedUntil} />.
        </Text>
      )}
    </Alert>
  )
}

function PointFacts({ point }: { point: RestorePoint }) {
  const { verification, confirmation, originalSizeBytes } = point
  return (
    <Stack gap="sm">
      <Facts
        facts={[
          [t.facts.taken, <Instant key="taken" at={point.takenAt} />],
          [t.facts.size, formatBytes(point.sizeBytes)],
          [t.facts.original, originalSizeBytes === undefined ? undefined : formatBytes(originalSizeBytes)],
          [
            t.facts.verified,
            verification === undefined ? (
              t.notVerified
            ) : (
              <span key="verified">
                {t.verifications[verification.state]}, <Instant at={verification.verifiedAt} isRelative />
              </span>
            ),
          ],
          [t.facts.compression, point.transformedBy === 'script' ? t.facts.byScript : point.compression],
          [t.facts.encryption, encryptionOf(point)],
          [
            t.facts.instance,
            <TextLink key="instance" to="/instances/$instanceId" params={{ instanceId: point.instanceId }}>
              {point.instanceId}
            </TextLink>,
          ],
          [t.facts.plan, <PlanLink key="plan" planId={point.planId} instanceId={point.instanceId} />],
          [
            t.facts.job,
            <TextLink key="job" to="/jobs/$jobId" params={{ jobId: point.jobId }}>
              {point.jobId}
            </TextLink>,
          ],
          [t.facts.destination, <DestinationLink key="destination" destinationId={point.destinationId} />],
          [
            confirmation ? t.facts.confirmed(confirmation.confirmedBy) : '',
            confirmation && <Instant key="confirmed" at={confirmation.confirmedAt} />,
          ],
        ]}
      />
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        {t.facts.object}: {point.objectName}
      </Text>
      {point.sha256 !== undefined && (
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {t.facts.digest}: {point.sha256}
        </Text>
      )}
    </Stack>
  )
}

function encryptionOf({ encrypted, recipients }: RestorePoint): string {
  if (!encrypted) return t.facts.notEncrypted
  return recipients.length === 0 ? t.facts.byScript : recipients.join(', ')
}
