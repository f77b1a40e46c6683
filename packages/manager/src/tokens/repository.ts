import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type Selectable, sql } from 'kysely'
import { type Caller, type Grants, grantedCaller } from '../access/caller.ts'
import type { Role } from '../access/role.ts'
import type { Context } from '../context/context.ts'
import type { TokenTable } from '../database/schema.ts'
import { writeOwnFile } from '../secrets/own-file.ts'
import { newIdentifier } from '../shared/identifier.ts'

/** Begins every token that the manager makes, so that one is known for what it is where it should not be. */
const TOKEN_PREFIX = 'osbb_'
/** How exactly the last use is recorded: a write per call would cost more than the call. */
const LAST_USE_MS = 60_000

/** A token as it is kept: all but itself. */
export interface Token {
  id: string
  name: string
  role: Role
  grants: Grants
  createdAt: Date
  expiresAt: Date | undefined
  lastUsedAt: Date | undefined
}

type Reach = Pick<Context, 'database'>

/** Tokens are long and random, so one round of SHA-256 keeps them: there is nothing to guess. */
function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

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

/** The caller behind a token; undefined if it is none of ours, or has expired. */
export async function callerOfToken({ database }: Reach, token: string, now: Date): Promise<Caller | undefined> {
  const row = await database.selectFrom('tokens').selectAll().where('hash', '=', hashOf(token)).executeTakeFirst()
  if (row === undefined || (row.expires_at !== null && row.expires_at <= now)) return undefined
  if (row.last_used_at === null || now.getTime() - row.last_used_at.getTime() > LAST_USE_MS) {
    await database.updateTable('tokens').set({ last_used_at: now }).where('id', '=', row.id).execute()
  }
  const { id, name, role, grants } = row
  return grantedCaller({ kind: 'token', id, name, role, onlyDeprovisions: false }, grants)
}

/**
 * Makes a token.
 *
 * @param chosen - The token itself, where it is not ours to make.
 * @returns What is kept of it, and the token, for the one time it is shown.
 */
export async function createToken(
  { database }: Reach,
  wanted: Pick<Token, 'name' | 'role' | 'grants' | 'expiresAt'>,
  now: Date,
  chosen?: string,
): Promise<{ kept: Token; token: string }> {
  const token = chosen ?? TOKEN_PREFIX + randomBytes(32).toString('base64url')
  const kept = { ...wanted, id: newIdentifier(now), createdAt: now, lastUsedAt: undefined }
  await database
    .insertInto('tokens')
    .values({
      id: kept.id,
      name: kept.name,
      hash: hashOf(token),
      role: kept.role,
      grants: JSON.stringify(kept.grants),
      expires_at: kept.expiresAt ?? null,
      last_used_at: null,
    })
    .execute()
  return { kept, token }
}

/** Every token, oldest first. */
export async function listTokens({ database }: Reach): Promise<Token[]> {
  const rows = await database.selectFrom('tokens').selectAll().orderBy('created_at').orderBy('id').execute()
  return rows.map(fromRow)
}

/** Revokes a token: from now on it opens nothing. Returns whether there was one. */
export async function revokeToken({ database }: Reach, id: string): Promise<boolean> {
  const { numDeletedRows } = await database.deleteFrom('tokens').where('id', '=', id).executeTakeFirst()
  return numDeletedRows > 0n
}

/**
 * Makes the first admin token, if there is none: the one that was set, else a new one.
 *
 * @returns If one was made: it and the file that holds it, for the one time it may be shown.
 */
export async function ensureAdminToken(
  context: Pick<Context, 'database' | 'settings' | 'log' | 'now'>,
): Promise<{ token: string; path: string } | undefined> {
  const { database, settings } = context
  const path = join(settings.dataDirectory, 'admin-token')
  const made = await database.transaction().execute(async (transaction) => {
    // Two managers on a new database: one makes the token, the other waits and finds it.
    await sql`lock table tokens in share row exclusive mode`.execute(transaction)
    const existing = await transaction.selectFrom('tokens').select('hash').limit(1).executeTakeFirst()
    if (existing !== undefined) return undefined
    const wanted = { name: 'first admin token', role: 'admin', grants: 'all', expiresAt: undefined } as const
    const { token } = await createToken({ database: transaction }, wanted, context.now(), settings.adminToken)
    await writeOwnFile(path, `${token}\n`)
    return token
  })
  // One that was set is known to whoever set it, and has no business in a log.
  if (made !== undefined) return settings.adminToken === undefined ? { token: made, path } : undefined
  if (settings.adminToken !== undefined && !(await callerOfToken(context, settings.adminToken, context.now()))) {
    context.log.warn('ADMIN_TOKEN is not used: this database has tokens already, and it is not one of them')
  }
  return undefined
}
