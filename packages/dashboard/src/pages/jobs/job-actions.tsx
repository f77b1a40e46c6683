import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { isEnded, type Job } from '@osb-backup/protocol/v1'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { ErrorNotice } from '../../components/notices.tsx'
import { messages } from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.jobs.actions

interface Action {
  label: string
  /** Asked before it is done; without it is done at once. */
  confirmation?: { title: string; hint: string; confirm: string }
  perform: () => Promise<Job>
}

/** What an operator may do about a job in its state. Viewers see why they cannot. */
export function JobActions({ job }: { job: Job }) {
  const { client, hasRole } = useSession()
  const { id, planId } = job
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
  if (shown.length === 0) return null
  return (
    <Group gap="xs">
      {shown.map((action) => (
        <ActionButton key={action.label} action={action} isAllowed={isAllowed} />
      ))}
      {!isAllowed && (
        <Text size="sm" c="dimmed">
          {messages.shell.needsRole('operator')}
        </Text>
      )}
    </Group>
  )
}

function ActionButton({ action: { label, confirmation, perform }, isAllowed }: { action: Action; isAllowed: boolean }) {
  const [isAsking, setAsking] = useState(false)
  const cache = useQueryClient()
  const navigate = useNavigate()
  const mutation = useMutation({
    mutationFn: perform,
    onSuccess: async (job) => {
      setAsking(false)
      await cache.invalidateQueries({ queryKey: ['jobs'] })
      await navigate({ to: '/jobs/$jobId', params: { jobId: job.id } })
    },
  })
  const failure = mutation.error !== null && <ErrorNotice error={mutation.error} />
  if (confirmation === undefined) {
    return (
      <Stack gap="xs">
        <Button variant="default" disabled={!isAllowed} loading={mutation.isPending} onClick={() => mutation.mutate()}>
          {label}
        </Button>
        {failure}
      </Stack>
    )
  }
  return (
    <>
      <Button variant="default" disabled={!isAllowed} onClick={() => setAsking(true)}>
        {label}
      </Button>
      <Modal
        opened={isAsking}
        onClose={() => setAsking(false)}
        title={confirmation.title}
        closeButtonProps={{ 'aria-label': messages.shell.close }}
      >
        <Stack>
          <Text size="sm">{confirmation.hint}</Text>
          {failure}
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setAsking(false)}>
              {messages.shell.close}
            </Button>
            <Button color="red" loading={mutation.isPending} onClick={() => mutation.mutate()}>
              {confirmation.confirm}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  )
}
