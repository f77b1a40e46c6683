import { List, Text } from '@mantine/core'
import type { PolicyPreview, PreviewedInstance } from '@osb-backup/protocol/v1'
import { formatCount } from '../../components/formats.ts'
import { TextLink } from '../../components/page.tsx'
import { Section } from '../../components/section.tsx'
import { policyMessages } from '../../messages/policies.ts'
import { KeptPoints } from '../plans/kept-points.tsx'

const t = policyMessages.preview

/** What a change of a policy would do. */
export function PreviewResult({ preview: { counts, instances, isTruncated, violations } }: { preview: PolicyPreview }) {
  const { selected, gains, changes, loses, exempt, deletedRestorePoints } = counts
  const [all, gained, changed, lost, left] = [selected, gains, changes, loses, exempt].map(formatCount)
  return (
    <Section title={t.title}>
      <Text fw={600} role="status">
        {t.summary(all ?? '', gained ?? '', changed ?? '', lost ?? '', left ?? '')}
      </Text>
      {deletedRestorePoints > 0 && (
        <Text c="var(--mantine-color-error)">{t.deletes(formatCount(deletedRestorePoints))}</Text>
      )}
      <List size="sm">
        {instances.map((instance) => (
          <List.Item key={instance.instanceId}>
            <Affected instance={instance} />
          </List.Item>
        ))}
      </List>
      {isTruncated && <Text size="sm">{t.truncated}</Text>}
      {violations.length > 0 && (
        <>
          <Text size="sm" mt="sm">
            {t.violations}
          </Text>
          <List size="sm">
            {violations.map(({ planId, planName, rule, message }) => (
              <List.Item key={`${planId} ${rule}`}>
                <TextLink to="/plans/$planId" params={{ planId }}>
                  {planName}
                </TextLink>
                {`: ${message}`}
              </List.Item>
            ))}
          </List>
        </>
      )}
    </Section>
  )
}

function Affected({ instance }: { instance: PreviewedInstance }) {
  const { instanceId, effect, changes, problem, restorePoints } = instance
  return (
    <>
      <TextLink to="/instances/$instanceId" params={{ instanceId }}>
        {instanceId}
      </TextLink>
      {` ${t.effects[effect]}${changes.length === 0 ? '' : `: ${changes.join(', ')}`}`}
      {problem !== undefined && <Text c="var(--mantine-color-error)">{problem}</Text>}
      <KeptPoints points={restorePoints} />
    </>
  )
}
