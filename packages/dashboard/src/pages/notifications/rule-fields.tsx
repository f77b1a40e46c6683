import { Button, Fieldset, MultiSelect, Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { type AlarmKind, type AlarmSeverity, alarmKinds, alarmSeverities } from '@osb-backup/protocol/v1'
import { formatCount } from '../../components/formats.ts'
import { InstanceIdsField } from '../../components/instances-field.tsx'
import { Section } from '../../components/section.tsx'
import * as messages from '../../messages/messages.ts'
import { emptyRule, type RuleDraft } from './channel-draft.ts'
import type { FieldsProps } from './transport-fields.tsx'

const t = messages.notifications.form
const severities = alarmSeverities.map((value) => ({ value, label: messages.states.severity[value] }))
const kinds = alarmKinds.map((value) => ({ value, label: messages.alarms.kinds[value] }))

/** Which alarms a channel notifies of. */
export function RuleFields({ draft, change, errorOf }: FieldsProps) {
  const { rules } = draft
  const changeRule = (index: number, fields: Partial<RuleDraft>) =>
    change({ rules: rules.map((rule, at) => (at === index ? { ...rule, ...fields } : rule)) })
  return (
    <Section title={t.which}>
      <Stack>
        <Text size="sm" c="dimmed">
          {t.whichHint}
        </Text>
        {rules.map((rule, index) => (
          <Rule
            key={rule.key}
            rule={rule}
            number={formatCount(index + 1)}
            change={(fields) => changeRule(index, fields)}
            onRemove={() => change({ rules: rules.filter((_, at) => at !== index) })}
            errorOf={(field) => errorOf(`rules.${index}.${field}`)}
          />
        ))}
        <Button variant="default" w="fit-content" onClick={() => change({ rules: [...rules, emptyRule()] })}>
          {t.addRule}
        </Button>
      </Stack>
    </Section>
  )
}

function Rule({
  rule,
  number,
  change,
  onRemove,
  errorOf,
}: {
  rule: RuleDraft
  number: string
  change: (fields: Partial<RuleDraft>) => void
  onRemove: () => void
  errorOf: (field: string) => string | undefined
}) {
  return (
    <Fieldset legend={t.rule(number)}>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <Select
          label={t.severity}
          placeholder={t.anySeverity}
          data={severities}
          value={rule.minimumSeverity ?? null}
          error={errorOf('minimumSeverity')}
          onChange={(severity) => change({ minimumSeverity: (severity as AlarmSeverity | null) ?? undefined })}
          clearable
          clearButtonProps={{ 'aria-label': messages.shell.clearFilters }}
        />
        <MultiSelect
          label={t.alarmKinds}
          placeholder={rule.kinds.length === 0 ? t.anyKind : undefined}
          data={kinds}
          value={rule.kinds}
          error={errorOf('kinds')}
          onChange={(chosen) => change({ kinds: chosen as AlarmKind[] })}
          searchable
        />
        <InstanceIdsField
          label={t.instances}
          value={rule.instances}
          error={errorOf('instances')}
          onChange={(instances) => change({ instances })}
        />
        <TextInput
          label={t.organization}
          value={rule.organizationGuid}
          error={errorOf('organizationGuid')}
          onChange={(event) => change({ organizationGuid: event.currentTarget.value.trim() })}
        />
        <TextInput
          label={t.space}
          value={rule.spaceGuid}
          error={errorOf('spaceGuid')}
          onChange={(event) => change({ spaceGuid: event.currentTarget.value.trim() })}
        />
      </SimpleGrid>
      <Button variant="default" size="xs" mt="md" onClick={onRemove}>
        {t.removeRule(number)}
      </Button>
    </Fieldset>
  )
}
