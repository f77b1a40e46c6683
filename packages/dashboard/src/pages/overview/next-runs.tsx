import { List, Text } from '@mantine/core'
import type { Overview } from '@osb-backup/protocol/v1'
import { Instant } from '../../components/instant.tsx'
import { TextLink } from '../../components/page.tsx'
import { Section } from '../../components/section.tsx'
import * as messages from '../../messages/messages.ts'

const t = messages.overview

/** The plans that run next. */
export function NextRuns({ nextRuns }: Pick<Overview, 'nextRuns'>) {
  return (
    <Section title={t.nextRuns}>
      {nextRuns.length === 0 && <Text size="sm">{t.nextRunsEmpty}</Text>}
      <List listStyleType="none" spacing={4}>
        {nextRuns.map(({ planId, instanceId, name, runAt }) => (
          <List.Item key={planId}>
            <Instant at={runAt} isRelative />: {name},{' '}
            <TextLink to="/instances/$instanceId" params={{ instanceId }}>
              {instanceId}
            </TextLink>
          </List.Item>
        ))}
      </List>
    </Section>
  )
}
