import { NumberInput, PasswordInput, Select, SimpleGrid, TextInput } from '@mantine/core'
import { messages } from '../../messages/messages.ts'
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
  errorOf,
  onChange,
}: {
  parameters: readonly PackParameter[]
  values: Record<string, string>
  errorOf: (name: string) => string | undefined
  onChange: (name: string, value: string) => void
}) {
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      {parameters.map((parameter) => (
        <ParameterField
          key={parameter.name}
          parameter={parameter}
          value={values[parameter.name] ?? ''}
          error={errorOf(parameter.name)}
          onChange={(value) => onChange(parameter.name, value)}
        />
      ))}
    </SimpleGrid>
  )
}

function ParameterField({
  parameter: { name, type, description, required = false, default: fallback, secret, values, minimum, maximum },
  value,
  error,
  onChange,
}: {
  parameter: PackParameter
  value: string
  error: string | undefined
  onChange: (value: string) => void
}) {
  const placeholder = fallback === undefined ? undefined : t.defaultIs(String(fallback))
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
  const Input = secret ? PasswordInput : TextInput
  return (
    <Input {...common} value={value} autoComplete="off" onChange={(event) => onChange(event.currentTarget.value)} />
  )
}
