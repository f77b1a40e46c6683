import { type Selectable, sql } from 'kysely'
import type { Context } from '../context/context.ts'
import { contains } from '../database/conditions.ts'
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
    grants: row.grants,
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
  }
}

/** A token that has not expired, and whether it was used within a number of seconds; undefined if there is none. */
export async function findValidToken(
  { database }: RepositoryContext,
  hash: string,
  seconds: number,
): Promise<{ token: Token; wasUsedLately: boolean } | undefined> {
  const row = await database
    .selectFrom('tokens')
    .selectAll()
    .select(sql<boolean>`coalesce(last_used_at > now() - make_interval(secs => ${seconds}), false)`.as('used_lately'))
    .where('hash', '=', hash)
    .where(({ or, eb }) => or([eb('expires_at', 'is', null), eb('expires_at', '>', sql<Date>`now()`)]))
    .executeTakeFirst()
  return row && { token: fromRow(row), wasUsedLately: row.used_lately }
}

/** All tokens, oldest first. */
export async function listTokens({ database }: RepositoryContext): Promise<Token[]> {
  const rows = await database.selectFrom('tokens').selectAll().orderBy('created_at').orderBy('id').execute()
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

/** Returns whether there was such a token. */
export async function deleteToken({ database }: RepositoryContext, id: string): Promise<boolean> {
  const { numDeletedRows } = await database.deleteFrom('tokens').where('id', '=', id).executeTakeFirst()
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

/** One page of the tokens whose name contains a text, newest first. */
export async function searchTokens(
  { database }: RepositoryContext,
  text: string | undefined,
  page: KeysetRequest,
): Promise<KeysetPage<Token>> {
  let query = database.selectFrom('tokens').selectAll()
  if (text !== undefined) query = query.where(contains('name', text))
  const { entries, ...rest } = await readKeyset(query, key, 'desc', page)
  return { entries: entries.map(fromRow), ...rest }
}

export async function findToken({ database }: RepositoryContext, id: string): Promise<Token | undefined> {
  const row = await database.selectFrom('tokens').selectAll().where('id', '=', id).executeTakeFirst()
  return row && fromRow(row)
}
