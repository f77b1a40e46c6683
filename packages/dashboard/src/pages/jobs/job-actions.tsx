import { Button, Group, Text } from '@mantine/core'
import { isEnded, type Job } from '@osb-backup/protocol/v1'
import { Link, useNavigate } from '@tanstack/react-router'
import { ActionButton, type Confirmation } from '../../components/action-button.tsx'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.jobs.actions

interface Action {
  label: string
  confirmation?: Confirmation
  perform: () => Promise<Job>
}

/** What an operator may do about a job in its state. Viewers see why they cannot. */
export function JobActions({ job }: { job: Job }) {
  const { client, hasRole } = useSession()
  const navigate = useNavigate()
  const { id, planId } = job
  const [{ restorePointId: pointId } = {}] = job.parts
  const isLocked = job.parts.some(({ unlockAttempts }) => (unlockAttempts ?? 0) > 0)
  const actions: (Action | false)[] = [
    !isEnded(job.state) &&
      job.cancellation === undefined && {
        label: t.cancel,
        confirmation: { title: t.cancelTitle, hint: t.cancelHint, confirm: t.confirmCancel },
        perform: () => client.jobs.cancel(id),
      },
    isEnded(job.state) &&
      job.kind === 'backup' &&
      planId !== undefined && { label: t.retry, perform: () => client.plans.run(planId) },
    isEnded(job.state) &&
      job.kind === 'verify' &&
      pointId !== undefined && { label: t.verifyAgain, perform: () => client.restorePoints.verify(pointId) },
    job.state === 'unknown' && {
      label: t.giveUp,
      confirmation: { title: t.giveUpTitle, hint: t.giveUpHint, confirm: t.giveUp },
      perform: () => client.jobs.giveUp(id),
    },
    isLocked && { label: t.retryUnlock, perform: () => client.jobs.retryUnlock(id) },
    isLocked && {
      label: t.markUnlocked,
      confirmation: { title: t.markUnlockedTitle, hint: t.markUnlockedHint, confirm: t.markUnlocked },
      perform: () => client.jobs.markUnlocked(id),
    },
  ]
  const shown = actions.filter((action) => action !== false)
  const isAllowed = hasRole('operator')
  const isRestorable = job.kind === 'restore' && isEnded(job.state) && pointId !== undefined
  if (shown.length === 0 && !isRestorable) return null
  return (
    <Group gap="xs">
      {shown.map((action) => (
        <ActionButton
          key={action.label}
          {...action}
          isDisabled={!isAllowed}
          affects={['jobs']}
          onDone={(changed: Job) => navigate({ to: '/jobs/$jobId', params: { jobId: changed.id } })}
        />
      ))}
      {isRestorable && isAllowed && (
        <Button variant="default" renderRoot={(props) => <Link to="/restore" search={{ point: pointId }} {...props} />}>
          {t.restoreAgain}
        </Button>
      )}
      {!isAllowed && (
        <Text size="sm" c="dimmed">
          {messages.shell.needsRole('operator')}
        </Text>
      )}
    </Group>
  )
}
