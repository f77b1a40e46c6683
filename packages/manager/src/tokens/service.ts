import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { writeFileAtomically } from '@osb-backup/node'
import type { Call } from '../access/call.ts'
import { type Caller, grantedCaller } from '../access/caller.ts'
import { requireWithinOwnAccess } from '../access/limits.ts'
import { inAuditedTransaction } from '../audit/service.ts'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { notifyRevocation } from '../database/notifications.ts'
import { type InTransaction, inTransaction } from '../database/transaction.ts'
import type { IdempotencyKey } from '../idempotency/idempotency-key.ts'
import { createOnce } from '../idempotency/service.ts'
import { brokerCaller } from '../instances/brokers.ts'
import { newIdentifier } from '../shared/identifier.ts'
import type { KeysetPage, KeysetRequest } from '../shared/keyset.ts'
import { notFound, RequestError } from '../shared/request-error.ts'
import * as repository from './repository.ts'
import type { NewToken, Token } from './token.ts'

/** The prefix of every token that the manager creates, so that secret scanners recognize one that leaked. */
const TOKEN_PREFIX = 'osbb_'
const DAY_MS = 86_400_000
/** Precision of a token's last use: a write per call would cost more than the call. */
const LAST_USE_SECONDS = 60

/** Tokens are long and random, so one round of SHA-256 protects them: there is nothing to guess. */
function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** The caller behind a token; undefined if it is unknown, or has expired. */
export async function identifyToken(context: Pick<Context, 'database'>, secret: string): Promise<Caller | undefined> {
  const found = await repository.findValidToken(context, hashOf(secret), LAST_USE_SECONDS)
  if (found === undefined) return undefined
  const { token } = found
  if (!found.wasUsedLately) await repository.recordTokenUse(context, token.id)
  const { id, name, role, permissions, grants } = token
  const { validForMs } = found
  const caller = { kind: 'token', id, name, role, permissions, onlyDeprovisions: false, validForMs } as const
  return role === 'broker' ? brokerCaller(context, caller, grants) : grantedCaller(caller, grants)
}

/** All tokens for the instances that the caller was granted, oldest first. */
export async function listTokens(context: Pick<Context, 'database'>, call: Call): Promise<Token[]> {
  return repository.listTokens(context, await call.caller.grants())
}

/**
 * Creates a token, for no more than its creator may do. Without an expiry it gets the longest that is allowed.
 *
 * @returns What is stored of it, and the token itself, which is shown only once.
 * @throws {RequestError} If it would have expired already, live too long, or go beyond the access of the caller.
 */
export async function createToken(
  context: Pick<Context, 'database' | 'settings'>,
  call: Call,
  wanted: NewToken,
  key?: IdempotencyKey,
): Promise<{ token: Token; secret: string }> {
  await requireWithinOwnAccess(call, wanted, 'instances')
  const now = await readClock(context)
  const expiresAt = expiryOf(wanted, now, context.settings.maxTokenLifetimeDays)
  const id = newIdentifier(now)
  return createOnce<Pick<Context, 'database'>, { token: Token; secret: string }>(context, {
    id,
    call,
    key,
    create: (tx) => insertNewToken(tx, id, { ...wanted, expiresAt }),
    find(created) {
      const message = `This Idempotency-Key created the token ${created}, which was shown once: revoke it, and create another.`
      throw new RequestError('conflict', message, { field: 'Idempotency-Key' })
    },
  })
}

/** @param longestDays - 0: no limit. */
function expiryOf({ expiresAt }: NewToken, now: Date, longestDays: number): Date | undefined {
  const latest = longestDays === 0 ? undefined : new Date(now.getTime() + longestDays * DAY_MS)
  if (expiresAt === undefined) return latest
  if (expiresAt <= now) throw new RequestError('invalid', 'expiresAt lies in the past.', { field: 'expiresAt' })
  if (latest === undefined || expiresAt <= latest) return expiresAt
  const message = `A token may live for at most ${longestDays} days: expiresAt must be ${latest.toISOString()} or earlier.`
  throw new RequestError('invalid', message, { field: 'expiresAt' })
}

/**
 * Creates a token in a transaction of a caller that decided what it may do. Without an expiry it gets the longest that is allowed.
 *
 * @returns What is stored of it, and the token itself.
 * @throws {RequestError} If it would live too long.
 */
export async function issueToken(
  tx: InTransaction<Pick<Context, 'database' | 'settings'>>,
  wanted: NewToken,
): Promise<{ token: Token; secret: string }> {
  const now = await readClock(tx)
  const expiresAt = expiryOf(wanted, now, tx.settings.maxTokenLifetimeDays)
  return insertNewToken(tx, newIdentifier(now), { ...wanted, expiresAt })
}

/** Revokes a token that was issued in this way, if it still exists. */
export async function withdrawToken(tx: InTransaction<Pick<Context, 'database'>>, id: string): Promise<void> {
  if (await repository.deleteToken(tx, id, 'all')) await notifyRevocation(tx, `token:${id}`)
}

async function insertNewToken(
  context: Pick<Context, 'database'>,
  id: string,
  { name, role, permissions, grants, expiresAt }: NewToken,
  secret = TOKEN_PREFIX + randomBytes(32).toString('base64url'),
): Promise<{ token: Token; secret: string }> {
  const now = await readClock(context)
  const token = { id, name, role, permissions, grants, createdAt: now, expiresAt, lastUsedAt: undefined }
  await repository.insertToken(context, token, hashOf(secret))
  return { token, secret }
}

/**
 * Revokes a token, from now on; event streams that it opened end.
 *
 * @throws {RequestError} If there is no such token, or it would revoke itself.
 */
export async function revokeToken(context: Pick<Context, 'database'>, call: Call, id: string): Promise<void> {
  if (call.caller.kind === 'token' && call.caller.id === id) {
    throw new RequestError('conflict', 'A token cannot revoke itself: use another admin token.')
  }
  await inAuditedTransaction(context, call, async (tx) => {
    if (!(await repository.deleteToken(tx, id, await call.caller.grants()))) throw notFound('token', id)
    await notifyRevocation(tx, `token:${id}`)
  })
}

/**
 * Creates the first admin token, if there is no token: the one from the settings, or a new one.
 *
 * @returns If a new one was created: the token and the file that holds it. It may be shown only once.
 */
export async function ensureAdminToken(
  context: Pick<Context, 'database' | 'settings' | 'log'>,
): Promise<{ token: string; path: string } | undefined> {
  const { settings } = context
  const path = join(settings.dataDirectory, 'admin-token')
  const created = await inTransaction(context, async (tx) => {
    await repository.lockTokens(tx)
    if ((await repository.listTokens(tx, 'all')).length > 0) return undefined
    const access = { role: 'admin', permissions: [], grants: 'all' } as const
    const wanted = { name: 'first admin token', ...access, expiresAt: undefined }
    const { secret } = await insertNewToken(tx, newIdentifier(await readClock(tx)), wanted, settings.adminToken)
    await writeFileAtomically(path, `${secret}\n`)
    return secret
  })
  // One from the settings is known to the operator who set it, and must not be logged.
  if (created !== undefined) return settings.adminToken === undefined ? { token: created, path } : undefined
  if (settings.adminToken !== undefined && !(await identifyToken(context, settings.adminToken))) {
    context.log.warn('ADMIN_TOKEN is ignored: this database has tokens already, and it is not one of them')
  }
  return undefined
}

/** One page of the tokens for the caller's instances whose name contains a text, newest first. */
export async function searchTokens(
  context: Pick<Context, 'database'>,
  call: Call,
  text: string | undefined,
  page: KeysetRequest,
): Promise<KeysetPage<Token>> {
  return repository.searchTokens(context, { scope: await call.caller.grants(), text }, page)
}

/** @throws {RequestError} If there is no such token for the caller's instances. */
export async function getToken(context: Pick<Context, 'database'>, call: Call, id: string): Promise<Token> {
  const token = await repository.findToken(context, id, await call.caller.grants())
  if (token === undefined) throw notFound('token', id)
  return token
}
