import { SettingsError } from '@osb-backup/node'
import { stores } from '@osb-backup/storage'
import type { Database } from '../database/open-database.ts'
import { replaceFilterKey } from './filter-key.ts'
import { checkSecretKey, resealKeyCheck } from './key-check.ts'
import { eraseSealed, listSealed, listStoreTypes, replaceSealed } from './repository.ts'
import { purposeOf, sealedColumns } from './sealed-columns.ts'
import type { Sealer } from './sealing.ts'

const BATCH_SIZE = 500

interface SecretsContext {
  database: Database
  sealer: Sealer
}

/**
 * Erases every sealed secret, after the key that opens them was lost, and seals with the current key from now on. Everything else
 * stays. May be interrupted and repeated.
 *
 * @returns How many secrets there were, by table.
 * @throws {SettingsError} If the current key opens them: then nothing is lost.
 */
export async function forgetSecrets(context: SecretsContext): Promise<Map<string, number>> {
  await requireLostKey(context)
  const counts = new Map<string, number>()
  for (const [table, columns] of Object.entries(sealedColumns)) {
    if (table === 'file_destinations') continue
    for (const column of columns) {
      counts.set(table, (counts.get(table) ?? 0) + (await eraseSealed(context, { table, column })))
    }
  }
  counts.set('file_destinations', await emptyStoreSecrets(context))
  counts.set('broker_accounts', await replaceFilterKey(context))
  // Last: until then, the next start still says that the key is another one.
  await resealKeyCheck(context)
  return counts
}

async function requireLostKey(context: SecretsContext): Promise<void> {
  try {
    await checkSecretKey(context)
  } catch (error) {
    if (error instanceof SettingsError) return
    throw error
  }
  throw new SettingsError('The key opens the secrets of this database: there is nothing to forget.')
}

/** A destination stays complete: secrets that its store cannot do without become empty, and so are refused there. */
async function emptyStoreSecrets(context: SecretsContext): Promise<number> {
  const column = { table: 'file_destinations', column: 'sealed_store_secrets' }
  let [count, after] = [0, '']
  for (;;) {
    const values = await listSealed(context, column, after, BATCH_SIZE)
    const types = await listStoreTypes(
      context,
      values.map(({ id }) => id),
    )
    const emptied = values.map((each) => {
      const secrets = JSON.stringify(emptySecrets(types.get(each.id)))
      const purpose = purposeOf('file_destinations', 'sealed_store_secrets', each.id)
      return { ...each, resealed: context.sealer.seal(secrets, purpose) }
    })
    count += await replaceSealed(context, column, emptied)
    after = values.at(-1)?.id ?? after
    if (values.length < BATCH_SIZE) return count
  }
}

function emptySecrets(type: string | undefined): Record<string, string> {
  const kind = stores.kinds.find((each) => each.type === type)
  const fields: Record<string, { safeParse(value: unknown): { success: boolean } }> = kind?.settingsSchema.shape ?? {}
  const required = kind?.secretFields.filter((field) => !fields[field]?.safeParse(undefined).success) ?? []
  return Object.fromEntries(required.map((field) => [field, '']))
}
