import { type Selectable, sql } from 'kysely'
import type { Grants } from '../access/caller.ts'
import type { Context } from '../context/context.ts'
import { contains, isGrantedAll } from '../database/conditions.ts'
import { readKeyset } from '../database/read-keyset.ts'
import type { BrokerAccountTable } from '../database/tables/access.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import type { BrokerAccount } from './broker-account.ts'

type RepositoryContext = Pick<Context, 'database'>

/** An account with the hash of its password. */
export type StoredAccount = BrokerAccount & { passwordHash: string; createdAt: Date }

function fromRow(row: Selectable<BrokerAccountTable>): StoredAccount {
  return { name: row.name, grants: row.grants, passwordHash: row.password_hash, createdAt: row.created_at }
}

export async function findBrokerAccount(
  { database }: RepositoryContext,
  name: string,
): Promise<StoredAccount | undefined> {
  const row = await database.selectFrom('broker_accounts').selectAll().where('name', '=', name).executeTakeFirst()
  return row && fromRow(row)
}

const isWithin = (scope: Grants) => (scope === 'all' ? sql<boolean>`true` : isGrantedAll('grants', scope))

/** All accounts for these instances, by name. */
export async function listBrokerAccounts({ database }: RepositoryContext, scope: Grants): Promise<BrokerAccount[]> {
  const accounts = database.selectFrom('broker_accounts').select(['name', 'grants']).where(isWithin(scope))
  return accounts.orderBy('name').execute()
}

/** Creates an account, or replaces its password and grants. */
export async function upsertBrokerAccount(
  { database }: RepositoryContext,
  { name, grants, passwordHash }: Omit<StoredAccount, 'createdAt'>,
): Promise<void> {
  const values = { password_hash: passwordHash, grants: JSON.stringify(grants) }
  await database
    .insertInto('broker_accounts')
    .values({ name, ...values })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(values))
    .execute()
}

/** Creates an account. Returns false if there is one of that name. */
export async function insertBrokerAccount(
  { database }: RepositoryContext,
  { name, grants, passwordHash }: Omit<StoredAccount, 'createdAt'>,
): Promise<boolean> {
  const { numInsertedOrUpdatedRows = 0n } = await database
    .insertInto('broker_accounts')
    .values({ name, password_hash: passwordHash, grants: JSON.stringify(grants) })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .executeTakeFirst()
  return numInsertedOrUpdatedRows > 0n
}

/** Returns whether there was such an account. */
export async function deleteBrokerAccount({ database }: RepositoryContext, name: string): Promise<boolean> {
  const { numDeletedRows } = await database.deleteFrom('broker_accounts').where('name', '=', name).executeTakeFirst()
  return numDeletedRows > 0n
}

const key = [
  { name: 'created_at', type: 'instant' },
  { name: 'name', type: 'text' },
] as const

/** One page of the accounts for these instances whose name contains a text, newest first. */
export async function searchBrokerAccounts(
  { database }: RepositoryContext,
  { scope, text }: { scope: Grants; text: string | undefined },
  page: KeysetRequest,
): Promise<KeysetPage<StoredAccount>> {
  let query = database.selectFrom('broker_accounts').selectAll().where(isWithin(scope))
  if (text !== undefined) query = query.where(contains('name', text))
  const { entries, ...rest } = await readKeyset(query, key, 'desc', page)
  return { entries: entries.map(fromRow), ...rest }
}
