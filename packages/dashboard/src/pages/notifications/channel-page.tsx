import { Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { ActionButton } from '../../components/action-button.tsx'
import { EmptyNotice } from '../../components/notices.tsx'
import { Page } from '../../components/page.tsx'
import { QueryContent } from '../../components/query-content.tsx'
import { Restricted } from '../../components/restricted.tsx'
import { Section } from '../../components/section.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { draftOf, emptyChannel } from './channel-draft.ts'
import { ChannelForm } from './channel-form.tsx'
import { DeliveryTable } from './delivery-table.tsx'
import { TestMessage } from './test-message.tsx'

const t = messages.notifications
const route = getRouteApi('/notifications/$channelId')
const parents = [{ label: t.title, link: { to: '/notifications' } }] as const

/** Creates a channel. */
export const NewChannelPage = () => (
  <Restricted title={t.create} needs="admin" needsAllInstances>
    <Page title={t.create} parents={[...parents]}>
      <ChannelForm draft={emptyChannel} />
    </Page>
  </Restricted>
)

/** One channel: its settings, a test, and what it delivered. */
export const ChannelPage = () => (
  <Restricted title={t.title} needs="admin" needsAllInstances>
    <Channel />
  </Restricted>
)

function Channel() {
  const { channelId } = route.useParams()
  const { client } = useSession()
  const navigate = useNavigate()
  const channel = useQuery(queries.channel(client, channelId))
  const remove = channel.data && (
    <ActionButton
      label={t.delete.label}
      confirmation={t.delete}
      perform={() => client.notificationChannels.delete(channelId)}
      affects={[]}
      onDone={() => navigate({ to: '/notifications' })}
    />
  )
  return (
    <Page title={channel.data?.value.name ?? t.title} parents={[...parents]} actions={remove}>
      <QueryContent query={channel} height={600}>
        {({ value, version }) => (
          <Stack gap="lg">
            <ChannelForm key={version} draft={draftOf(value)} channelId={channelId} version={version} />
            <TestMessage channelId={channelId} />
            <Section title={t.deliveries.ofChannel}>
              <DeliveryTable
                search={{ channel: channelId }}
                empty={<EmptyNotice title={t.deliveries.empty} hint={t.deliveries.emptyHint} />}
              />
            </Section>
          </Stack>
        )}
      </QueryContent>
    </Page>
  )
}
