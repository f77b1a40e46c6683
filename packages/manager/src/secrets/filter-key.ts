import { randomBytes } from 'node:crypto'
import type { Database } from '../database/open-database.ts'
import * as repository from './repository.ts'
import type { Sealer } from './sealing.ts'

const NAME = 'sealed-password-filter-key'
const KEY_BYTES = 32

interface SecretsContext {
  database: Database
  sealer: Sealer
}

/** The key of the filters of passwords, which all managers share; created on first use. */
export async function readFilterKey({ database, sealer }: SecretsContext): Promise<Buffer> {
  const created = sealer.seal(randomBytes(KEY_BYTES).toString('hex'), NAME)
  return Buffer.from(sealer.open(await repository.ensureSetting({ database }, NAME, created), NAME), 'hex')
}

/**
 * Replaces it after the key that opens it was lost. The filters of stored passwords no longer match, so they are erased.
 *
 * @returns How many passwords had one.
 */
export async function replaceFilterKey({ database, sealer }: SecretsContext): Promise<number> {
  return repository.replaceFilterKey({ database }, NAME, sealer.seal(randomBytes(KEY_BYTES).toString('hex'), NAME))
}

/** Reseals it under the current key. */
export async function resealFilterKey(context: SecretsContext): Promise<void> {
  const key = await readFilterKey(context)
  await repository.replaceSetting(context, NAME, context.sealer.seal(key.toString('hex'), NAME))
}
