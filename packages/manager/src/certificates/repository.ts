import { sql } from 'kysely'
import type { RepositoryContext } from '../context/context.ts'
import type { InTransaction } from '../database/transaction.ts'
import { purposeOf } from '../secrets/sealed-columns.ts'
import type { KeyPair } from './x509.ts'

/** The CA of agents; there may be others some day. */
const ID = 'agents'
/** Any fixed number: the name of the lock. */
const LOCK = 4_711_208_031

const purpose = purposeOf('certificate_authorities', 'sealed_key', ID)

/** Waits, until the end of the transaction, for other managers that are creating the CA. */
export async function lockAuthority({ database }: InTransaction): Promise<void> {
  await sql`select pg_advisory_xact_lock(${LOCK})`.execute(database)
}

/** The CA; undefined if there is none, or its key was erased because the one that sealed it was lost. */
export async function findAuthority({ database, sealer }: RepositoryContext): Promise<KeyPair | undefined> {
  const row = await database
    .selectFrom('certificate_authorities')
    .select(['certificate', 'sealed_key'])
    .where('id', '=', ID)
    .executeTakeFirst()
  const privateKey = sealer.openOptional(row?.sealed_key ?? null, purpose)
  return row === undefined || privateKey === undefined ? undefined : { certificate: row.certificate, privateKey }
}

/** Stores the CA in place of the one that has no key any more, if any. */
export async function storeAuthority({ database, sealer }: RepositoryContext, authority: KeyPair): Promise<void> {
  const values = { certificate: authority.certificate, sealed_key: sealer.seal(authority.privateKey, purpose) }
  await database
    .insertInto('certificate_authorities')
    .values({ id: ID, ...values })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
    .execute()
}
