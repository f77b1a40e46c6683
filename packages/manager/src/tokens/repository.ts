import { type Selectable, sql } from 'kysely'
import type { Grants } from '../access/caller.ts'
import type { Context } from '../context/context.ts'
import { contains, isGrantedAll } from '../database/conditions.ts'
import { readKeyset } from '../database/read-keyset.ts'
import type { TokenTable } from '../database/tables/access.ts'
import type { InTransaction } from '../database/transaction.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import type { Token } from './token.ts'

type RepositoryContext = Pick<Context, 'database'>

function fromRow(row: Selectable<TokenTable>): Token {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    permissions: row.permissions,
    grants: row.grants,
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
  }
}

/**
 * A token that has not expired, whether it was used within a number of seconds, and how long it is valid; undefined if there
 * is none.
 */
export async function findValidToken(
  { database }: RepositoryContext,
  hash: string,
  seconds: number,
): Promise<{ token: Token; wasUsedLately: boolean; validForMs: number | undefined } | undefined> {
  const row = await database
    .selectFrom('tokens')
    .selectAll()
    .select(sql<boolean>`coalesce(last_used_at > now() - make_interval(secs => ${seconds}), false)`.as('used_lately'))
    .select(sql<number | null>`extract(epoch from expires_at - now())::float8 * 1000`.as('valid_for_ms'))
    .where('hash', '=', hash)
    .where(({ or, eb }) => or([eb('expires_at', 'is', null), eb('expires_at', '>', sql<Date>`now()`)]))
    .executeTakeFirst()
  if (row === undefined) return undefined
  return { token: fromRow(row), wasUsedLately: row.used_lately, validForMs: row.valid_for_ms ?? undefined }
}

/** The tokens that an admin of some instances may know of: those of these instances. */
const isWithin = (scope: Grants) =>
  scope === 'all' ? sql<boolean>`true` : sql<boolean>`role <> 'broker' and ${isGrantedAll('grants', scope)}`

/** All tokens for these instances, oldest first. */
export async function listTokens({ database }: RepositoryContext, scope: Grants): Promise<Token[]> {
  const tokens = database.selectFrom('tokens').selectAll().where(isWithin(scope))
  const rows = await tokens.orderBy('created_at').orderBy('id').execute()
  return rows.map(fromRow)
}

export async function insertToken({ database }: RepositoryContext, token: Token, hash: string): Promise<void> {
  await database
    .insertInto('tokens')
    .values({
      id: token.id,
      name: token.name,
      hash,
      role: token.role,
      permissions: JSON.stringify(token.permissions),
      grants: JSON.stringify(token.grants),
      created_at: token.createdAt,
      expires_at: token.expiresAt ?? null,
      last_used_at: null,
    })
    .execute()
}

export async function recordTokenUse({ database }: RepositoryContext, id: string): Promise<void> {
  await database.updateTable('tokens').set({ last_used_at: sql<Date>`now()` }).where('id', '=', id).execute()
}

/** Returns whether there was such a token for these instances. */
export async function deleteToken({ database }: RepositoryContext, id: string, scope: Grants): Promise<boolean> {
  const token = database.deleteFrom('tokens').where('id', '=', id).where(isWithin(scope))
  const { numDeletedRows } = await token.executeTakeFirst()
  return numDeletedRows > 0n
}

/** Waits for other managers that are creating the first token, and keeps more from doing so until the transaction ends. */
export async function lockTokens({ database }: InTransaction): Promise<void> {
  await sql`lock table tokens in share row exclusive mode`.execute(database)
}

const key = [
  { name: 'created_at', type: 'instant' },
  { name: 'id', type: 'text' },
] as const

/** One page of the tokens for these instances whose name contains a text, newest first. */
export async function searchTokens(
  { database }: RepositoryContext,
  { scope, text }: { scope: Grants; text: string | undefined },
  page: KeysetRequest,
): Promise<KeysetPage<Token>> {
  let query = database.selectFrom('tokens').selectAll().where(isWithin(scope))
  if (text !== undefined) query = query.where(contains('name', text))
  const { entries, ...rest } = await readKeyset(query, key, 'desc', page)
  return { entries: entries.map(fromRow), ...rest }
}

export async function findToken(
  { database }: RepositoryContext,
  id: string,
  scope: Grants,
): Promise<Token | undefined> {
  const token = database.selectFrom('tokens').selectAll().where('id', '=', id).where(isWithin(scope))
  const row = await token.executeTakeFirst()
  return row && fromRow(row)
}
