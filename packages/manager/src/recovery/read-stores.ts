import { readFile } from 'node:fs/promises'
import { type StoreSettings, stores } from '@osb-backup/storage'
import { z } from 'zod'
import { RequestError } from '../shared/request-error.ts'

/** A store that is searched, and the instances whose dumps may be in it; undefined: all. */
export interface SearchedStore {
  store: StoreSettings
  instances: readonly string[] | undefined
}

const entrySchema = z.looseObject({ type: z.string(), instances: z.array(z.string()).optional() })

/**
 * Reads which stores to search: a JSON object, or an array of them, with the settings of a store as
 * `osb-backup object` takes them, and optionally `instances`.
 *
 * @throws {RequestError} If the file cannot be used. No value of it is part of the message.
 */
export async function readStores(file: string): Promise<SearchedStore[]> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new RequestError('invalid', `${file} cannot be read: ${cause.code}.`, { cause })
  })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new RequestError('invalid', `${file} is not JSON.`)
  }
  return [value].flat().map((entry, index) => readStore(entry, `${file}: entry ${index + 1}`))
}

function readStore(value: unknown, where: string): SearchedStore {
  const entry = entrySchema.safeParse(value)
  const kind = stores.kinds.find(({ type }) => type === entry.data?.type)
  if (!entry.success || kind === undefined) {
    const types = stores.kinds.map(({ type }) => type).join(', ')
    throw new RequestError('invalid', `${where} is no store: "type" must be one of ${types}.`)
  }
  const { instances, ...settings } = entry.data
  const parsed = kind.settingsSchema.safeParse(settings)
  if (parsed.success) return { store: parsed.data as StoreSettings, instances }
  throw new RequestError('invalid', `${where}: ${parsed.error.issues[0]?.path.join('.')} is missing or not valid.`)
}
