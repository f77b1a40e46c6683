import { Group, Stack, Text } from '@mantine/core'
import type { Overview } from '@osb-backup/protocol/v1'
import { ProtectionBadge } from '../../components/badges.tsx'
import { TextLink } from '../../components/page.tsx'
import { Section } from '../../components/section.tsx'
import * as messages from '../../messages/messages.ts'

const t = messages.overview
/** As many as the manager names. */
const MAX_ATTENTION = 50

/** The items that are not protected, worst first, each with the reason. */
export function Attention({ attention }: Pick<Overview, 'attention'>) {
  return (
    <Section title={t.attention}>
      {attention.length === 0 && <Text size="sm">{t.attentionEmpty}</Text>}
      <Stack gap="sm">
        {attention.map(({ instanceId, item, state, reason }) => (
          <Group key={`${instanceId}/${item ?? ''}`} gap="sm" align="flex-start" wrap="nowrap">
            <ProtectionBadge state={state} />
            <div>
              <TextLink to="/instances/$instanceId" params={{ instanceId }}>
                {instanceId}
              </TextLink>{' '}
              {item ?? t.wholeInstance}
              <Text size="sm" c="dimmed">
                {reason}
              </Text>
            </div>
          </Group>
        ))}
        {attention.length >= MAX_ATTENTION && <Text size="sm">{t.attentionCut}</Text>}
      </Stack>
    </Section>
  )
}
