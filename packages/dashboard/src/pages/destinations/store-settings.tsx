import { Button, Collapse, PasswordInput, Select, SimpleGrid, Stack, Textarea, TextInput } from '@mantine/core'
import type { StoreKind } from '@osb-backup/protocol/v1'
import { useId, useState } from 'react'
import { Section } from '../../components/section.tsx'
import * as messages from '../../messages/messages.ts'
import { type FieldValues, type StoreField, storeFields } from './store-fields.ts'

const t = messages.destinations
const fieldMessages: Record<StoreField['name'], { label: string; hint?: string }> = t.fields
const flags = [
  { value: 'true', label: messages.shell.yes },
  { value: 'false', label: messages.shell.no },
]

interface SettingsProps {
  values: FieldValues
  isSecretSet: (name: string) => boolean
  errorOf: (field: string) => string | undefined
  onChange: (name: StoreField['name'], value: string) => void
}

/** The settings of a kind of store; those that are rarely needed, on demand. */
export function StoreSettings({ kind, ...props }: SettingsProps & { kind: StoreKind }) {
  const fields = storeFields[kind]
  const rare = fields.filter(({ isRare }) => isRare)
  // What is set is shown, and so is what the API complains about.
  const isUsed = rare.some(({ name }) => props.values[name] || props.errorOf(`store.${name}`) !== undefined)
  const [isOpened, setOpened] = useState(false)
  const isShown = isOpened || isUsed
  const id = useId()
  return (
    <Section title={t.form.store}>
      <Stack>
        <Fields fields={fields.filter(({ isRare }) => !isRare)} {...props} />
        {rare.length > 0 && !isUsed && (
          <Button
            variant="default"
            size="xs"
            w="fit-content"
            aria-expanded={isShown}
            aria-controls={id}
            onClick={() => setOpened((before) => !before)}
          >
            {t.form.more}
          </Button>
        )}
        {rare.length > 0 && (
          <Collapse expanded={isShown} id={id}>
            <Fields fields={rare} {...props} />
          </Collapse>
        )}
      </Stack>
    </Section>
  )
}

const Fields = ({ fields, ...props }: SettingsProps & { fields: readonly StoreField[] }) => (
  <SimpleGrid cols={{ base: 1, sm: 2 }}>
    {fields.map((field) => (
      <Field key={field.name} field={field} {...props} />
    ))}
  </SimpleGrid>
)

function Field({
  field: { name, control, isRequired = false },
  values,
  isSecretSet,
  errorOf,
  onChange,
}: SettingsProps & { field: StoreField }) {
  const { label, hint } = fieldMessages[name]
  const common = {
    label,
    description: control === 'secret' && isSecretSet(name) ? t.form.secretKept : hint,
    error: errorOf(`store.${name}`),
    required: isRequired,
  }
  const value = values[name] ?? ''
  const onText = (event: { currentTarget: { value: string } }) => onChange(name, event.currentTarget.value)
  switch (control) {
    case 'text':
      return <TextInput {...common} value={value} onChange={onText} autoComplete="off" />
    case 'secret':
      return <PasswordInput {...common} value={value} onChange={onText} autoComplete="new-password" />
    case 'area':
      return <Textarea {...common} value={value} onChange={onText} autosize minRows={2} maxRows={8} />
    default:
      return (
        <Select
          {...common}
          data={control === 'flag' ? flags : [...control]}
          value={value === '' ? null : value}
          placeholder={t.form.automatic}
          onChange={(chosen) => onChange(name, chosen ?? '')}
          clearable
          clearButtonProps={{ 'aria-label': messages.shell.clearFilters }}
        />
      )
  }
}
