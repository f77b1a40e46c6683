import { Alert } from '@mantine/core'
import * as messages from '../messages/messages.ts'
import { TextLink } from './page.tsx'

const t = messages.plans
const POLICY = 'policy:'

/** Says what maintains a plan or a destination, which nobody else changes then. */
export function ManagedNotice({ managedBy }: { managedBy: string | undefined }) {
  if (managedBy === undefined) return null
  if (!managedBy.startsWith(POLICY)) return <Alert color="gray" variant="default" title={t.managedByBroker} />
  return (
    <Alert color="gray" variant="default" title={t.managed}>
      <TextLink to="/policies/$policyId" params={{ policyId: managedBy.slice(POLICY.length) }}>
        {t.showPolicy}
      </TextLink>
    </Alert>
  )
}
