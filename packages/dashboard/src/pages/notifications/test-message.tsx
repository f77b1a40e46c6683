import { Alert, Stack, Text } from '@mantine/core'
import type { Notification } from '@osb-backup/protocol/v1'
import { useQuery } from '@tanstack/react-query'
import { CircleCheck, CircleX, Clock } from 'lucide-react'
import { useState } from 'react'
import { ActionButton } from '../../components/action-button.tsx'
import { QueryContent } from '../../components/query-content.tsx'
import { Section } from '../../components/section.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.notifications.test

/** Sends a test message over a channel, and says whether it arrived. */
export function TestMessage({ channelId }: { channelId: string }) {
  const { client } = useSession()
  const [sent, setSent] = useState<string>()
  return (
    <Section title={t.title}>
      <Stack align="flex-start">
        <Text size="sm">{t.hint}</Text>
        <ActionButton
          label={t.send}
          perform={() => client.notificationChannels.test(channelId)}
          affects={['notifications']}
          onDone={({ id }: Notification) => setSent(id)}
        />
        {sent !== undefined && <Outcome id={sent} />}
      </Stack>
    </Section>
  )
}

function Outcome({ id }: { id: string }) {
  const { client } = useSession()
  const notification = useQuery(queries.notification(client, id))
  return (
    <QueryContent query={notification} height={48}>
      {({ state, error }) => (
        <div role="status">
          {state === 'waiting' && <Alert variant="default" icon={<Clock aria-hidden />} title={t.waiting} />}
          {state === 'delivered' && <Alert variant="default" icon={<CircleCheck aria-hidden />} title={t.delivered} />}
          {(state === 'failing' || state === 'given-up') && (
            <Alert variant="default" color="red" icon={<CircleX aria-hidden />} title={t.failed}>
              {error}
            </Alert>
          )}
        </div>
      )}
    </QueryContent>
  )
}
