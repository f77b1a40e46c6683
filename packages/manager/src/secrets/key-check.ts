import type { Context } from '../context/context.ts'
import { SettingError } from '../settings/setting-error.ts'
import { SealError } from './sealing.ts'

const NAME = 'sealed-key-check'
const CONTENT = 'this text was sealed with the key of this database'

type Reach = Pick<Context, 'database' | 'sealer'>

/**
 * Makes sure that the keys are those which this database's secrets were sealed with, before anything is read or sealed.
 *
 * @throws {SettingError} If another key sealed them.
 */
export async function checkSecretKey({ database, sealer }: Reach): Promise<void> {
  await database
    .insertInto('settings')
    .values({ name: NAME, value: sealer.seal(CONTENT, NAME) })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute()
  const { value } = await database
    .selectFrom('settings')
    .select('value')
    .where('name', '=', NAME)
    .executeTakeFirstOrThrow()
  try {
    sealer.open(value, NAME)
  } catch (cause) {
    if (!(cause instanceof SealError)) throw cause
    throw new SettingError(
      'SECRET_KEY (or DATA_DIR/secret.key) is not the key that the secrets in this database were sealed with: use the one it was started with before.',
      { cause },
    )
  }
}

/** Seals the check anew under the current key. */
export async function resealKeyCheck({ database, sealer }: Reach): Promise<void> {
  await database
    .updateTable('settings')
    .set({ value: sealer.seal(CONTENT, NAME) })
    .where('name', '=', NAME)
    .execute()
}
