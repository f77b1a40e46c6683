import { Code, List, Stack, Text } from '@mantine/core'
import type { Agent, Enrolment } from '@osb-backup/protocol/v1'
import { useState } from 'react'
import { ActionButton } from '../../components/action-button.tsx'
import { CopyButton } from '../../components/copy-button.tsx'
import { Instant } from '../../components/instant.tsx'
import { Section } from '../../components/section.tsx'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'

const t = messages.agents.enrolment

/** The certificate of an agent, and the token with which it gets one. */
export function AgentEnrolment({ agent: { id, certificateExpiresAt } }: { agent: Agent }) {
  const { client, hasRole } = useSession()
  const [enrolment, setEnrolment] = useState<Enrolment>()
  const isEnrolled = certificateExpiresAt !== undefined
  return (
    <Section title={t.title}>
      <Stack gap="sm" align="flex-start">
        <Text size="sm">
          {isEnrolled ? (
            <>
              {t.enrolled} <Instant at={certificateExpiresAt} />. {t.renewed}
            </>
          ) : (
            t.notEnrolled
          )}
        </Text>
        <ActionButton
          label={isEnrolled ? t.again : t.action}
          confirmation={isEnrolled ? { title: t.confirmTitle, hint: t.confirmHint, confirm: t.again } : undefined}
          perform={() => client.agents.enrol(id)}
          affects={[]}
          onDone={setEnrolment}
          isDisabled={!hasRole('admin')}
        />
        {!hasRole('admin') && (
          <Text size="sm" c="dimmed">
            {messages.shell.needsRole('admin')}
          </Text>
        )}
        {enrolment !== undefined && <EnrolmentSteps enrolment={enrolment} />}
      </Stack>
    </Section>
  )
}

function EnrolmentSteps({ enrolment: { token, caFingerprint, expiresAt } }: { enrolment: Enrolment }) {
  const settings = [
    `enrolment_url=${window.location.origin}`,
    `enrolment_token=${token}`,
    `enrolment_fingerprint=${caFingerprint}`,
  ].join('\n')
  const [first, ...others] = t.steps
  return (
    <Stack gap="sm" role="status" w="100%">
      <Text size="sm" fw={600}>
        {t.once} <Instant at={expiresAt} />.
      </Text>
      <List type="ordered" size="sm" spacing="xs" w="100%">
        <List.Item>
          {first}
          <Code block mt="xs" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
            {settings}
          </Code>
          <CopyButton value={settings} label={t.copy} />
        </List.Item>
        {others.map((step) => (
          <List.Item key={step}>{step}</List.Item>
        ))}
      </List>
    </Stack>
  )
}
