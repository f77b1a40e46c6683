import type { Context } from '../context/context.ts'
import type { BrokerAccount } from './broker-account.ts'

type RepositoryContext = Pick<Context, 'database'>

/** An account with the hash of its password. */
export type StoredAccount = BrokerAccount & { passwordHash: string }

export async function findBrokerAccount(
  { database }: RepositoryContext,
  name: string,
): Promise<StoredAccount | undefined> {
  const row = await database.selectFrom('broker_accounts').selectAll().where('name', '=', name).executeTakeFirst()
  return row && { name: row.name, grants: row.grants, passwordHash: row.password_hash }
}

/** All accounts, by name. */
export async function listBrokerAccounts({ database }: RepositoryContext): Promise<BrokerAccount[]> {
  return database.selectFrom('broker_accounts').select(['name', 'grants']).orderBy('name').execute()
}

/** Creates an account, or replaces its password and grants. */
export async function upsertBrokerAccount(
  { database }: RepositoryContext,
  { name, grants, passwordHash }: StoredAccount,
): Promise<void> {
  const values = { password_hash: passwordHash, grants: JSON.stringify(grants) }
  await database
    .insertInto('broker_accounts')
    .values({ name, ...values })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(values))
    .execute()
}

/** Returns whether there was such an account. */
export async function deleteBrokerAccount({ database }: RepositoryContext, name: string): Promise<boolean> {
  const { numDeletedRows } = await database.deleteFrom('broker_accounts').where('name', '=', name).executeTakeFirst()
  return numDeletedRows > 0n
}
