import { Alert, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { Page } from '../../components/page.tsx'
import { QueryContent } from '../../components/query-content.tsx'
import { queries } from '../../data/queries.ts'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { draftOfInstance } from './instance-draft.ts'
import { InstanceForm } from './instance-form.tsx'

const t = messages.instances
const route = getRouteApi('/instances/$instanceId/settings')

/** Changes a service instance: where it is, how it is reached, and the parameters of its script pack. */
export function InstanceSettingsPage() {
  const { instanceId } = route.useParams()
  const { hasRole } = useSession()
  return (
    <Page
      title={t.settingsOf(instanceId)}
      parents={[
        { label: t.title, link: { to: '/instances' } },
        { label: instanceId, link: { to: '/instances/$instanceId', params: { instanceId } } },
      ]}
    >
      {hasRole('admin') ? (
        <Settings key={instanceId} instanceId={instanceId} />
      ) : (
        <Alert color="gray" variant="default" title={t.form.needsAdmin} />
      )}
    </Page>
  )
}

function Settings({ instanceId }: { instanceId: string }) {
  const { client } = useSession()
  const settings = useQuery(queries.instanceSettings(client, instanceId))
  const [isSaved, setSaved] = useState(false)
  return (
    <QueryContent query={settings} height={500}>
      {({ value, version }) => (
        <Stack>
          <InstanceForm
            key={version}
            draft={draftOfInstance(value)}
            stored={value}
            version={version}
            onSaved={() => setSaved(true)}
          />
          <span role="status">{isSaved && messages.shell.saved}</span>
        </Stack>
      )}
    </QueryContent>
  )
}
