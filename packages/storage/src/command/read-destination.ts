import { type StoreSettings, stores } from '../kinds.ts'
import { UsageError } from './usage-error.ts'

/**
 * Reads the settings of a store from JSON: `{"type": "s3", "bucket": …}`.
 *
 * @throws {UsageError} Naming the first field that is missing or wrong; never with its value.
 */
export function readDestination(text: string): StoreSettings {
  const result = stores.settingsSchema.safeParse(parse(text))
  if (result.success) return result.data
  const [issue] = result.error.issues
  if (issue?.code === 'invalid_union') {
    throw new UsageError(`The destination needs "type": ${stores.kinds.map(({ type }) => type).join(', ')}.`)
  }
  throw new UsageError(`The destination needs "${issue?.path.join('.')}": ${issue?.message}.`)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The engine's own message quotes the text, and so perhaps a secret.
    throw new UsageError('The destination is not valid JSON.')
  }
}
