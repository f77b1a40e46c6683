import type { StoreSettings } from '../store-settings.ts'
import { UsageError } from './usage-error.ts'

/** The texts that settings of each type must have. The others are optional. */
const needed = {
  s3: ['bucket', 'accessKeyId', 'secretAccessKey'],
  swift: ['authUrl', 'domain', 'projectName', 'username', 'password', 'container'],
  file: ['directory'],
} as const satisfies Record<StoreSettings['type'], readonly string[]>

/**
 * Reads the settings of a store from JSON: `{"type": "s3", "bucket": …}`.
 *
 * @throws {UsageError} Naming what is missing; never with a value of it.
 */
export function readDestination(text: string): StoreSettings {
  const found = parsed(text)
  const type = typeof found.type === 'string' && Object.hasOwn(needed, found.type) ? found.type : undefined
  if (type === undefined) throw new UsageError(`The destination needs "type": ${Object.keys(needed).join(', ')}.`)
  for (const field of needed[type as StoreSettings['type']]) {
    const value = found[field]
    if (typeof value !== 'string' || value === '') throw new UsageError(`The destination needs "${field}", a text.`)
  }
  return found as unknown as StoreSettings
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Said below; the parser's own message would quote the file.
  }
  throw new UsageError('The destination is no JSON object.')
}
