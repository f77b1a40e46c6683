import { NumberInput, Select, SimpleGrid, Text } from '@mantine/core'
import { type RetentionStyle, retentionStyles } from '@osb-backup/protocol/v1'
import { Section } from '../../components/section.tsx'
import * as messages from '../../messages/messages.ts'
import { generationFields, type RetentionDraft } from './plan-draft.ts'

const t = messages.plans.form
const MAX_PERIOD = 100_000

interface FieldsProps {
  draft: RetentionDraft
  change: (fields: Partial<RetentionDraft>) => void
  errorOf: (field: string) => string | undefined
}

/** How long restore points are kept. */
export function RetentionFields({ draft, change, errorOf }: FieldsProps) {
  return (
    <Section title={t.keep}>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <Select
          label={t.keepStyle}
          data={retentionStyles.map((value) => ({ value, label: t.keepStyles[value] }))}
          value={draft.style}
          allowDeselect={false}
          onChange={(style) => change({ style: style as RetentionStyle })}
        />
        {draft.style !== 'all' && draft.style !== 'gfs' && (
          <NumberInput
            label={t.period[draft.style]}
            min={1}
            max={MAX_PERIOD}
            allowDecimal={false}
            value={draft.period}
            error={errorOf('retention')}
            onChange={(period) => change({ period: Number(period) })}
          />
        )}
      </SimpleGrid>
      {draft.style === 'gfs' && <GenerationFields draft={draft} change={change} errorOf={errorOf} />}
    </Section>
  )
}

function GenerationFields({ draft, change, errorOf }: FieldsProps) {
  const error = errorOf('retention')
  return (
    <>
      <Text size="sm" c="dimmed" mt="sm">
        {t.generationsHint}
      </Text>
      <SimpleGrid cols={{ base: 2, sm: 4 }} mt="xs">
        {generationFields.map((field) => (
          <NumberInput
            key={field}
            label={t.generations[field]}
            min={1}
            max={MAX_PERIOD}
            allowDecimal={false}
            value={draft.generations[field] ?? ''}
            onChange={(value) => {
              const { [field]: _, ...others } = draft.generations
              change({ generations: value === '' ? others : { ...others, [field]: Number(value) } })
            }}
          />
        ))}
      </SimpleGrid>
      {error !== undefined && (
        <Text size="sm" c="var(--mantine-color-error)" role="alert">
          {error}
        </Text>
      )}
    </>
  )
}
