import { isSecretName, MASKED_SECRET } from '@osb-backup/protocol'

/** Parameters by name; brokers may nest them. */
export type Parameters = Readonly<Record<string, unknown>>

/**
 * Splits parameters into those that may be read and those that are secret: because they were declared to be, or because their
 * name, or a name that is nested in them, suggests it.
 *
 * @param declared - Names at the first level.
 */
export function splitParameters(
  parameters: Parameters,
  declared: readonly string[],
): { open: Record<string, unknown>; secret: Record<string, unknown> } {
  const entries = Object.entries(parameters)
  const isSecret = ([name, value]: [string, unknown]) => declared.includes(name) || holdsSecret(name, value)
  return {
    open: Object.fromEntries(entries.filter((entry) => !isSecret(entry))),
    secret: Object.fromEntries(entries.filter(isSecret)),
  }
}

/** Parameters as answers show them: secret ones are masked. */
export function maskParameters(parameters: Parameters, declared: readonly string[]): Record<string, unknown> {
  const { secret } = splitParameters(parameters, declared)
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, Object.hasOwn(secret, name) ? MASKED_SECRET : value]),
  )
}

/** Parameters as a client sent them: those that it sent back masked keep their stored values. */
export function keepMaskedParameters(sent: Parameters, stored: Parameters): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(sent).map(([name, value]) => [
      name,
      value === MASKED_SECRET && Object.hasOwn(stored, name) ? stored[name] : value,
    ]),
  )
}

function holdsSecret(name: string, value: unknown): boolean {
  if (isSecretName(name)) return true
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([nested, each]) => holdsSecret(nested, each))
}
