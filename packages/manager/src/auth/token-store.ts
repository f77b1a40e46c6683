import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { Context } from '../context.ts'
import { newIdentifier } from '../identifier.ts'
import { writeOwnFile } from '../secrets/own-file.ts'

/** Begins every token that the manager makes, so that one is known for what it is where it should not be. */
const TOKEN_PREFIX = 'osbb_'

/** Tokens are long and random, so one round of SHA-256 keeps them: there is nothing to guess. */
function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** The caller behind a token, or undefined if it is not one of ours. */
export async function findCaller(
  { database }: Pick<Context, 'database'>,
  token: string,
): Promise<{ tokenId: string; name: string; role: 'admin' } | undefined> {
  return await database
    .selectFrom('tokens')
    .select(['id as tokenId', 'name', 'role'])
    .where('hash', '=', hashOf(token))
    .executeTakeFirst()
}

/**
 * Makes the first admin token, if there is none: the one that was set, else a new one.
 *
 * @returns The token and the file that holds it, for the one time it may be shown; undefined on every later start.
 */
export async function ensureAdminToken(
  context: Pick<Context, 'database' | 'settings' | 'log' | 'now'>,
): Promise<{ token: string; path: string } | undefined> {
  const { database, settings } = context
  const token = settings.adminToken ?? TOKEN_PREFIX + randomBytes(32).toString('base64url')
  const path = join(settings.dataDirectory, 'admin-token')
  const made = await database.transaction().execute(async (transaction) => {
    // Two managers on a new database: one makes the token, the other waits and finds it.
    await sql`lock table tokens in share row exclusive mode`.execute(transaction)
    const existing = await transaction.selectFrom('tokens').select('hash').limit(1).executeTakeFirst()
    if (existing !== undefined) return false
    await writeOwnFile(path, `${token}\n`)
    await transaction
      .insertInto('tokens')
      .values({ id: newIdentifier(context.now()), name: 'first admin token', hash: hashOf(token), role: 'admin' })
      .execute()
    return true
  })
  if (made) return { token, path }
  if (settings.adminToken !== undefined && !(await findCaller(context, settings.adminToken))) {
    context.log.warn('ADMIN_TOKEN is not used: this database has tokens already, and it is not one of them')
  }
  return undefined
}
