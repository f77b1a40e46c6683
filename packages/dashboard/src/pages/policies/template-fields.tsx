import { Select, SimpleGrid, Stack, Switch, TagsInput, TextInput } from '@mantine/core'
import { type Policy, type StoreKind, storeKinds } from '@osb-backup/protocol/v1'
import { Section } from '../../components/section.tsx'
import * as messages from '../../messages/messages.ts'
import { policyMessages } from '../../messages/policies.ts'
import { isSecretSet } from '../destinations/store-fields.ts'
import { StoreSettings } from '../destinations/store-settings.tsx'
import { RetentionFields } from '../plans/retention-fields.tsx'
import { ScheduleFields } from '../plans/schedule-fields.tsx'
import type { PolicyFieldsProps } from './policy-draft.ts'

const t = policyMessages.form

/** How the instances of a policy are backed up, if they are. */
export function TemplateFields({ draft, change, errorOf, stored }: PolicyFieldsProps & { stored: Policy | undefined }) {
  const inTemplate = (field: string) => errorOf(`template.${field}`)
  return (
    <Stack gap="lg">
      <Section title={t.template}>
        <Switch
          label={t.hasTemplate}
          checked={draft.hasTemplate}
          onChange={(event) => change({ hasTemplate: event.currentTarget.checked })}
        />
        {draft.hasTemplate && (
          <Stack gap="md" mt="md">
            <ScheduleFields
              cron={draft.cron}
              timezone={draft.timezone}
              onCron={(cron) => change({ cron })}
              onTimezone={(timezone) => change({ timezone })}
              error={inTemplate('schedule')}
            />
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              <TagsInput
                label={t.items}
                description={t.itemsHint}
                value={draft.items}
                error={inTemplate('items')}
                onChange={(items) => change({ items })}
                acceptValueOnBlur
              />
              <TextInput
                label={t.publicKey}
                value={draft.publicKey}
                error={inTemplate('encryption')}
                autoComplete="off"
                onChange={(event) => change({ publicKey: event.currentTarget.value })}
              />
              <Select
                label={t.kind}
                description={t.storeHint}
                data={storeKinds.map((value) => ({ value, label: messages.destinations.kinds[value] }))}
                value={draft.kind}
                allowDeselect={false}
                onChange={(kind) => change({ kind: (kind as StoreKind | null) ?? draft.kind, store: {} })}
              />
            </SimpleGrid>
          </Stack>
        )}
      </Section>
      {draft.hasTemplate && (
        <>
          <RetentionFields draft={draft} change={change} errorOf={inTemplate} />
          <StoreSettings
            kind={draft.kind}
            values={draft.store}
            isSecretSet={(name) => isSecretSet(stored?.template?.destination.store, name)}
            errorOf={(field) => inTemplate(`destination.${field}`)}
            onChange={(name, value) => change({ store: { ...draft.store, [name]: value } })}
          />
        </>
      )}
    </Stack>
  )
}
