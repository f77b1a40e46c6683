import { Checkbox, NumberInput, PasswordInput, Select, SimpleGrid, Stack, TextInput } from '@mantine/core'
import * as messages from '../../messages/messages.ts'
import type { PackParameter } from './instance-draft.ts'

const t = messages.instances.form
const flags = [
  { value: 'true', label: messages.shell.yes },
  { value: 'false', label: messages.shell.no },
]

/** The parameters of a script pack as fields, built from its `pack.json`. */
export function ParameterFields({
  parameters,
  values,
  isStored,
  removed,
  errorOf,
  onChange,
  onRemove,
}: {
  parameters: readonly PackParameter[]
  values: Record<string, string>
  /** Whether a secret value is stored, which nobody can read. */
  isStored: (name: string) => boolean
  /** Those whose stored value is to be removed. */
  removed: readonly string[]
  errorOf: (name: string) => string | undefined
  onChange: (name: string, value: string) => void
  onRemove: (name: string, isRemoved: boolean) => void
}) {
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      {parameters.map((parameter) => {
        const { name, required = false } = parameter
        const isRemoved = removed.includes(name)
        return (
          <Stack key={name} gap="xs">
            <ParameterField
              parameter={parameter}
              value={values[name] ?? ''}
              isKept={isStored(name) && !isRemoved}
              error={errorOf(name)}
              onChange={(value) => onChange(name, value)}
            />
            {isStored(name) && !required && (
              <Checkbox
                size="xs"
                label={t.removeSecret(name)}
                checked={isRemoved}
                onChange={(event) => onRemove(name, event.currentTarget.checked)}
              />
            )}
          </Stack>
        )
      })}
    </SimpleGrid>
  )
}

function ParameterField({
  parameter: { name, type, description, required = false, default: fallback, secret, values, minimum, maximum },
  value,
  isKept,
  error,
  onChange,
}: {
  parameter: PackParameter
  value: string
  /** A secret value is stored, and stays unless another one is entered. */
  isKept: boolean
  error: string | undefined
  onChange: (value: string) => void
}) {
  const placeholder = isKept ? t.secretKept : fallback === undefined ? undefined : t.defaultIs(String(fallback))
  const common = { label: name, description, required, error, placeholder }
  if (values !== undefined || type === 'boolean') {
    return (
      <Select
        {...common}
        placeholder={placeholder ?? t.automatic}
        data={values?.map(String) ?? flags}
        value={value === '' ? null : value}
        onChange={(chosen) => onChange(chosen ?? '')}
        clearable
        clearButtonProps={{ 'aria-label': messages.shell.clearFilters }}
      />
    )
  }
  if (type === 'integer' || type === 'number') {
    return (
      <NumberInput
        {...common}
        allowDecimal={type === 'number'}
        {...(minimum === undefined ? {} : { min: minimum })}
        {...(maximum === undefined ? {} : { max: maximum })}
        value={value}
        onChange={(next) => onChange(String(next))}
      />
    )
  }
  const Input = secret || isKept ? PasswordInput : TextInput
  return (
    <Input {...common} value={value} autoComplete="off" onChange={(event) => onChange(event.currentTarget.value)} />
  )
}
