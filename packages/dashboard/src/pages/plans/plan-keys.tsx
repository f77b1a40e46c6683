import { Button, Stack, Text } from '@mantine/core'
import type { Plan } from '@osb-backup/protocol/v1'
import { lazy, Suspense, useState } from 'react'
import { Section } from '../../components/section.tsx'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.plans.keys

// The cryptography is loaded only by those who create keys.
const CreateKeys = lazy(() => import('./create-keys.tsx').then(({ CreateKeys: component }) => ({ default: component })))

/** How a plan encrypts, and a new pair of keys for it. */
export function PlanKeys({ plan, version }: { plan: Plan; version: string }) {
  const { hasRole } = useSession()
  const [isCreating, setCreating] = useState(false)
  const { publicKey, privateKeySet } = plan.encryption
  return (
    <Section title={t.title}>
      <Stack gap="sm" align="flex-start">
        {publicKey === undefined ? (
          <Text size="sm">{t.none}</Text>
        ) : (
          <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
            {t.encrypted} {publicKey}. {privateKeySet ? t.kept : t.notKept}
          </Text>
        )}
        <Button
          variant="default"
          disabled={!hasRole('operator') || plan.managedBy !== undefined}
          onClick={() => setCreating(true)}
        >
          {publicKey === undefined ? t.create : t.replace}
        </Button>
        {isCreating && (
          <Suspense>
            <CreateKeys plan={plan} version={version} onClose={() => setCreating(false)} />
          </Suspense>
        )}
      </Stack>
    </Section>
  )
}
