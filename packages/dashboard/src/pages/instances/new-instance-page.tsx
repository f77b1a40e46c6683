import { Alert } from '@mantine/core'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { Page } from '../../components/page.tsx'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { emptyInstance } from './instance-draft.ts'
import { InstanceForm } from './instance-form.tsx'

const t = messages.instances
const route = getRouteApi('/instances/new')

/** Registers a service instance by hand, as a service broker does. */
export function NewInstancePage() {
  const { agent = '' } = route.useSearch()
  const { hasRole } = useSession()
  const navigate = useNavigate()
  return (
    <Page title={t.create} parents={[{ label: t.title, link: { to: '/instances' } }]}>
      {hasRole('admin') ? (
        <InstanceForm
          draft={{ ...emptyInstance, agentId: agent }}
          onSaved={({ id }) => navigate({ to: '/instances/$instanceId', params: { instanceId: id } })}
        />
      ) : (
        <Alert color="gray" variant="default" title={t.form.needsAdmin} />
      )}
    </Page>
  )
}
