import { SettingsError } from '@osb-backup/node'
import type { Database } from '../database/open-database.ts'
import * as repository from './repository.ts'
import { SealError, type Sealer } from './sealing.ts'

const NAME = 'sealed-key-check'
const CONTENT = 'this text was sealed with the key of this database'

interface SecretsContext {
  database: Database
  sealer: Sealer
}

/**
 * Makes sure that the keys are those which this database's secrets were sealed with, before anything is read or sealed.
 *
 * @throws {SettingsError} If another key sealed them.
 */
export async function checkSecretKey({ database, sealer }: SecretsContext): Promise<void> {
  const sealed = await repository.ensureSetting({ database }, NAME, sealer.seal(CONTENT, NAME))
  try {
    sealer.open(sealed, NAME)
  } catch (cause) {
    if (!(cause instanceof SealError)) throw cause
    throw new SettingsError(
      'SECRET_KEY (or its file or command, or DATA_DIR/secret.key) is not the key that the secrets in this database were sealed with: use the one it was started with before.',
      { cause },
    )
  }
}

/** Reseals the check under the current key. */
export async function resealKeyCheck({ database, sealer }: SecretsContext): Promise<void> {
  await repository.replaceSetting({ database }, NAME, sealer.seal(CONTENT, NAME))
}
