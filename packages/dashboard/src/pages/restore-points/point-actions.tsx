import { Button, Group, Stack, Text } from '@mantine/core'
import type { Job, RestorePoint } from '@osb-backup/protocol/v1'
import { Link, useNavigate } from '@tanstack/react-router'
import { ActionButton } from '../../components/action-button.tsx'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.restorePoints.actions
const SAMPLE_PERCENT = 5
const affects = ['restore-points', 'instances', 'overview']

/** What may be done with a restore point in its state. What the caller's role does not allow is disabled, and says so. */
export function PointActions({ point }: { point: RestorePoint }) {
  const { hasRole, hasPermission } = useSession()
  const isOperator = hasRole('operator')
  const mayDelete = isOperator && hasPermission('delete-backups')
  const isDeleting = point.deletion !== undefined
  return (
    <Stack gap="xs">
      <Group gap="xs">
        {!isDeleting && <ReadActions point={point} isDisabled={!isOperator} />}
        <ChangeActions point={point} isOperator={isOperator} mayDelete={mayDelete} />
      </Group>
      {!mayDelete && (
        <Text size="sm" c="dimmed">
          {isOperator ? messages.shell.needsDeletion : messages.shell.needsRole('operator')}
        </Text>
      )}
    </Stack>
  )
}

function ReadActions({ point, isDisabled }: { point: RestorePoint; isDisabled: boolean }) {
  const { client } = useSession()
  const navigate = useNavigate()
  const { id, instanceId, item, takenAt } = point
  const openJob = (job: Job) => navigate({ to: '/jobs/$jobId', params: { jobId: job.id } })
  const search = { instance: instanceId, item, day: takenAt.slice(0, 10), point: id }
  return (
    <>
      {isDisabled ? (
        <Button disabled>{t.restore}</Button>
      ) : (
        <Button renderRoot={(props) => <Link to="/restore" search={search} {...props} />}>{t.restore}</Button>
      )}
      <ActionButton
        label={t.verify}
        perform={() => client.restorePoints.verify(id)}
        affects={['jobs']}
        onDone={openJob}
        isDisabled={isDisabled}
      />
      {point.root !== undefined && (
        <ActionButton
          label={t.verifySample}
          perform={() => client.restorePoints.verify(id, { sample: SAMPLE_PERCENT })}
          affects={['jobs']}
          onDone={openJob}
          isDisabled={isDisabled}
        />
      )}
    </>
  )
}

function ChangeActions({
  point: { id, held, suspicious, deletion },
  isOperator,
  mayDelete,
}: {
  point: RestorePoint
  isOperator: boolean
  mayDelete: boolean
}) {
  const { client } = useSession()
  if (deletion !== undefined) {
    if (!isUndeletable(deletion)) return null
    return (
      <ActionButton
        label={t.undelete}
        perform={() => client.restorePoints.undelete(id)}
        affects={affects}
        isDisabled={!isOperator}
      />
    )
  }
  return (
    <>
      {suspicious && (
        <ActionButton
          label={t.confirm}
          confirmation={{ title: t.confirmTitle, hint: t.confirmHint, confirm: t.confirm }}
          perform={() => client.restorePoints.confirm(id)}
          affects={affects}
          isDisabled={!isOperator}
        />
      )}
      {held ? (
        <ActionButton
          label={t.release}
          confirmation={{ title: t.releaseTitle, hint: t.releaseHint, confirm: t.release }}
          perform={() => client.restorePoints.release(id)}
          affects={affects}
          isDisabled={!mayDelete}
        />
      ) : (
        <ActionButton
          label={t.hold}
          perform={() => client.restorePoints.hold(id)}
          affects={affects}
          isDisabled={!isOperator}
        />
      )}
      <ActionButton
        label={t.delete}
        confirmation={{ title: t.deleteTitle, hint: t.deleteHint, confirm: t.delete }}
        perform={() => client.restorePoints.delete(id)}
        affects={affects}
        isDisabled={!mayDelete || held}
      />
    </>
  )
}

/** Whether its deletion can still be taken back: it was requested, and not tried yet. */
export const isUndeletable = ({ reason, attempts }: NonNullable<RestorePoint['deletion']>) =>
  reason !== 'retention' && attempts === 0
