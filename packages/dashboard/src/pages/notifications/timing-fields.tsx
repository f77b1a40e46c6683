import { Select, SimpleGrid, Stack, Switch, TextInput } from '@mantine/core'
import { Section } from '../../components/section.tsx'
import { TimezoneField } from '../../components/timezone-field.tsx'
import * as messages from '../../messages/messages.ts'
import type { ChannelDraft } from './channel-draft.ts'
import type { FieldsProps } from './transport-fields.tsx'

const t = messages.notifications.form
const summaries = (['none', 'day', 'week'] as const).map((value) => ({ value, label: t.summaries[value] }))

/** When a channel keeps quiet, and when it summarizes. */
export function TimingFields({ draft, change, errorOf }: FieldsProps) {
  return (
    <Section title={t.when}>
      <Stack>
        <Switch
          label={t.quiet}
          checked={draft.isQuiet}
          onChange={(event) => change({ isQuiet: event.currentTarget.checked })}
        />
        {draft.isQuiet && (
          <SimpleGrid cols={{ base: 1, sm: 3 }}>
            <TextInput
              type="time"
              label={t.quietFrom}
              value={draft.quietFrom}
              error={errorOf('quietHours.from')}
              onChange={(event) => change({ quietFrom: event.currentTarget.value })}
            />
            <TextInput
              type="time"
              label={t.quietUntil}
              value={draft.quietUntil}
              error={errorOf('quietHours.until')}
              onChange={(event) => change({ quietUntil: event.currentTarget.value })}
            />
            <TimezoneField
              value={draft.quietTimezone}
              error={errorOf('quietHours.timezone')}
              onChange={(quietTimezone) => change({ quietTimezone })}
            />
          </SimpleGrid>
        )}
        <SimpleGrid cols={{ base: 1, sm: 3 }}>
          <Select
            label={t.summary}
            data={summaries}
            value={draft.summary}
            allowDeselect={false}
            onChange={(summary) => change({ summary: summary as ChannelDraft['summary'] })}
          />
          {draft.summary !== 'none' && (
            <TimezoneField
              value={draft.summaryTimezone}
              error={errorOf('summary.timezone')}
              onChange={(summaryTimezone) => change({ summaryTimezone })}
            />
          )}
        </SimpleGrid>
      </Stack>
    </Section>
  )
}
