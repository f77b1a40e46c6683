import { Button, Group, NumberInput, Select, Stack, Switch, Text, TextInput } from '@mantine/core'
import { type StoreKind, storeKinds } from '@osb-backup/protocol/v1'
import { Section } from '../../components/section.tsx'
import * as messages from '../../messages/messages.ts'
import { policyMessages } from '../../messages/policies.ts'
import type { PlaceDraft, PolicyFieldsProps } from './policy-draft.ts'

const t = policyMessages.form
const MAX_DAYS = 100_000

/** What no plan of the selected instances may fall below. */
export function FloorFields({ draft, change, errorOf }: PolicyFieldsProps) {
  const { places } = draft
  const error = errorOf('floor')
  const changePlace = (changed: number, fields: Partial<PlaceDraft>) =>
    change({ places: places.map((place, index) => (index === changed ? { ...place, ...fields } : place)) })
  return (
    <Section title={t.floor}>
      <Stack gap="md">
        <Text size="sm" c="dimmed">
          {t.floorHint}
        </Text>
        <NumberInput
          label={t.minimumRetentionDays}
          min={1}
          max={MAX_DAYS}
          allowDecimal={false}
          value={draft.minimumRetentionDays}
          onChange={(days) => change({ minimumRetentionDays: String(days) })}
        />
        <Switch
          label={t.encryptionRequired}
          checked={draft.encryptionRequired}
          onChange={(event) => change({ encryptionRequired: event.currentTarget.checked })}
        />
        <Text size="sm">{t.destinations}</Text>
        {places.map((place, index) => (
          <Group key={index.toString()} align="flex-end" gap="sm">
            <Select
              label={t.kind}
              data={storeKinds.map((value) => ({ value, label: messages.destinations.kinds[value] }))}
              value={place.kind}
              allowDeselect={false}
              onChange={(kind) => changePlace(index, { kind: (kind as StoreKind | null) ?? place.kind })}
            />
            <TextInput
              label={t.server}
              value={place.server}
              onChange={(event) => changePlace(index, { server: event.currentTarget.value })}
            />
            <TextInput
              label={t.container}
              value={place.container}
              onChange={(event) => changePlace(index, { container: event.currentTarget.value })}
            />
            <Button
              variant="default"
              onClick={() => change({ places: places.filter((_place, other) => other !== index) })}
            >
              {t.remove}
            </Button>
          </Group>
        ))}
        <Button
          variant="default"
          w="fit-content"
          onClick={() => change({ places: [...places, { kind: 's3', server: '', container: '' }] })}
        >
          {t.addDestination}
        </Button>
        {error !== undefined && (
          <Text size="sm" c="var(--mantine-color-error)" role="alert">
            {error}
          </Text>
        )}
      </Stack>
    </Section>
  )
}
